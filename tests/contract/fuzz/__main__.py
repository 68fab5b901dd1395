"""``make fuzz``: schemathesis against a served simulator, and the judge of both sides beside it.

Exits 1 where a call was answered with what the official description does not allow, where a bad request was
accepted, and where an operation was never answered with success: what was tried there has proved nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator.app import ROUTES
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.contract.description import FILE, read_description
from reconciler.simulator.contract.judge import Judge
from reconciler.simulator.serve import serving
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.types import Organization
from tests.contract.fuzz.spoils import Spoil, spoilt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
DESCRIPTION: Final = HERE.parent / "node_modules" / FILE
CONFIG: Final = HERE / "schemathesis.toml"
SCHEMATHESIS: Final = Path(sys.executable).with_name("schemathesis")
SECONDS_PER_CALL: Final = 10
"""By which time goes on with every call, so that operations have ended and no project is locked."""
MAX_LISTED: Final = 20
EVERYTHING: Final = Behaviour(
    rate_limit=None,
    soft_deletion=True,
    backup_schedules=True,
    empty_schedule_allowed=True,
    legacy_consumption=True,
)
"""What only some accounts have, and no limit on how fast the calls come."""


class AdvancingSimulator(Simulator):
    """A simulator whose time goes by calls alone: the same run sees the same times."""

    @property
    def app(self) -> ASGIApp:
        """The ASGI app."""
        return self._advancing

    async def _advancing(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.clock.advance(SECONDS_PER_CALL)
        await super().app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run has found."""

    report: dict[str, Any]
    """As schemathesis writes it."""
    judge: Judge
    operations: int
    """How many should have been tried."""

    @property
    def failures(self) -> int:
        """Of schemathesis: failures and errors."""
        return sum(group["count"] for group in (*self.report["failures"], *self.report["errors"]))

    @property
    def tested(self) -> int:
        """How many operations were tried."""
        tested: int = self.report["operations"]["tested"]
        return tested

    @property
    def succeeded(self) -> frozenset[str]:
        """The operations that were answered with success, like ``GET /projects``."""
        rates = self.report["valid_rates"]
        return frozenset(label for label in rates if any(phase["accepted"] for phase in rates[label].values()))

    @property
    def passed(self) -> bool:
        """Whether everything is as it should be."""
        complete = self.operations == self.tested == len(self.succeeded)
        return complete and not self.judge.violations and self.report["exit_code"] == 0

    def __str__(self) -> str:
        return (
            f"fuzz: {self.operations} operations, {self.tested} tried, {len(self.succeeded)} with success; "
            f"{self.report['test_cases']['generated']} cases, {self.failures} failures; official description: "
            f"{self.judge.judged} exchanges validated, {len(self.judge.violations)} violations"
        )


def fuzz(operations: Sequence[str], how: Spoil | None) -> Verdict:
    """Try those operations, or all that the simulator has."""
    judge = Judge(read_description(DESCRIPTION), refusals_allowed=True)
    organizations = [Organization("free"), Organization("paid")]
    with spoilt(how):
        opened = AdvancingSimulator.open(
            organizations=organizations, clock_source=lambda: DEMO_EPOCH_SECONDS, behaviour=EVERYTHING, judge=judge
        )
    with opened as simulator, serving(simulator) as url, TemporaryDirectory() as folder:
        report = _run(operations, simulator, url, Path(folder))
    return Verdict(report, judge, len(operations) or len(ROUTES))


def _run(operations: Sequence[str], simulator: Simulator, url: str, folder: Path) -> dict[str, Any]:
    """Run schemathesis in a process of its own, where it leaves what it likes to leave."""
    report = folder / "report.json"
    chosen = [part for name in operations for part in ("--include-operation-id", name)]
    command: list[str | Path] = [SCHEMATHESIS, "--config-file", CONFIG, "run", DESCRIPTION, "--url", url]
    own = {"SIMULATOR_URL": url, "SIMULATOR_KEY": simulator.personal_key, "NO_PROXY": "127.0.0.1"}
    environ = {**os.environ, **own, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    ended = subprocess.run([*command, "--report-json-path", report, *chosen], cwd=folder, env=environ, check=False)
    if not report.exists():
        sys.exit(f"schemathesis made no report, and exited with {ended.returncode}")
    document: dict[str, Any] = json.loads(report.read_bytes())
    return document


def main() -> int:
    """Run, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract.fuzz", description=__doc__)
    parser.add_argument("--operation", action="append", default=[], metavar="ID", help="try only this one")
    parser.add_argument("--spoil", type=Spoil, help="break GET /projects/{project_id} before: must end with 1")
    asked = parser.parse_args()
    if not DESCRIPTION.exists():
        parser.error("the official description is not installed: see tests/contract/installed.py")
    verdict = fuzz(asked.operation, asked.spoil)
    for violation in verdict.judge.violations[:MAX_LISTED]:
        print("contract:", violation)
    if not asked.operation:
        for label in sorted({f"{method} {path}" for method, path, _ in ROUTES} - verdict.succeeded):
            print("never answered with success:", label)
    print(verdict)
    return 0 if verdict.passed else 1


if __name__ == "__main__":
    sys.exit(main())
