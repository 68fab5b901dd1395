"""Neon's own clients, as they were published, against a simulator on a port that judges what they send."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator.contract.judge import Judge, Violation
from reconciler.simulator.contract.strict import Finding
from reconciler.simulator.serve import serving
from tests.contract import installed as official
from tests.harness.account import AS_DOCUMENTED, ORGANIZATIONS, a_simulator
from tests.harness.judge import SESSION, Counts
from tests.profiles import NIGHTLY, chosen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.simulator import Simulator

CLI: Final = "neon/dist/cli.js"
SDK: Final = "@neon/sdk/dist/index.js"
API_CLIENT: Final = "@neondatabase/api-client/dist/index.js"
TOOLKIT: Final = "@neondatabase/toolkit/dist/index.js"
ABSENT: Final = f"Neon's own clients are not installed: {official.INSTALL}"
NO_NODE: Final = "Neon's own clients need Node, and there is none"
PATIENCE_SECONDS: Final = 60
BUNDLER: Final = "esbuild/bin/esbuild"
"""A dependency of the command line."""
ONE_FILE: Final = (
    *("--bundle", "--platform=node", "--format=esm", "--splitting", "--main-fields=module,main"),
    *("--loader:.html=text", "--external:nock", "--external:mock-aws-s3", "--external:aws-sdk"),
    "--banner:js=import{createRequire as _r}from'node:module';const require=_r(import.meta.url);",
    "--log-level=error",
)
COMMAND_SECONDS: Final = 2.0
"""How much simulated time passes after each command, so that what it has set going has ended."""

NEWER: Final = frozenset(
    {
        ("createSnapshot", Finding("query slug", "is not a parameter of this operation")),
        (
            "updateSnapshot",
            Finding(
                "request body /snapshot", "Unevaluated properties are not allowed ('expires_at' was unexpected)"
            ),
        ),
    }
)
"""What the clients of September 2026 send and the description of July 2026 does not have.

Operation and finding of each: ``snapshots create --slug``, ``snapshots update --expires-at`` and
``--clear-expiration``. They are excused where the simulator has refused the request, and nowhere else.
"""


@dataclass(frozen=True, slots=True)
class ServedNeon:
    """A simulated account on a port, with a user's key."""

    simulator: Simulator
    url: str
    excused: list[Violation] = field(default_factory=list)
    """What of ``NEWER`` was sent so far."""

    @property
    def free(self) -> str:
        """The id of the organization of that name."""
        return self.simulator.organization_ids["free"]

    @property
    def paid(self) -> str:
        """The id of the organization of that name."""
        return self.simulator.organization_ids["paid"]

    def environ(self, folder: Path) -> dict[str, str]:
        """What a client finds around itself: nothing of the machine but its programs."""
        account = {"NEON_API_HOST": self.url, "NEON_API_KEY": self.simulator.personal_key}
        quiet = {"CI": "1", "NO_UPDATE_NOTIFIER": "1", "NO_PROXY": "127.0.0.1"}
        return {"PATH": os.environ["PATH"], "HOME": str(folder), **account, **quiet}

    def answered(self, since: int = 0) -> list[tuple[str, int | None]]:
        """Requests from that one on, each with the status of its answer."""
        return [(exchange.line, exchange.status) for exchange in self.simulator.requests[since:]]


@contextmanager
def served(
    folder: Path,
    *,
    behaviour: Behaviour = AS_DOCUMENTED,
    clock_source: Callable[[], float] = time.time,  # noqa: TID251 - Neon's clients look at this clock too
    counts: Counts = SESSION,
) -> Iterator[ServedNeon]:
    """An account with ``ORGANIZATIONS``, whose traffic is counted.

    A violation fails the test during which it came up (tests/conftest.py). Without a description the test is
    skipped.
    """
    excused: list[Violation] = []

    def report(violation: Violation) -> None:
        if _is_newer(violation):
            excused.append(violation)
        else:
            counts.violations.append(str(violation))

    judge = Judge(official.required(), on_violation=report)
    opened = a_simulator(
        *ORGANIZATIONS, path=folder / "neon.db", clock_source=clock_source, behaviour=behaviour, judge=judge
    )
    with opened as simulator:
        try:
            with serving(simulator) as url:
                yield ServedNeon(simulator, url, excused)
        finally:
            counts.add(Counts(judge.judged, operations=set(judge.operations)))


def _is_newer(violation: Violation) -> bool:
    refused = (violation.exchange.status or 0) >= 400
    return refused and (violation.exchange.operation, violation.finding) in NEWER


def run_node(script: Path, *args: str, environ: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of an npm package from its start to its end."""
    return subprocess.run(
        ["node", str(script), *args],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_SECONDS,
    )


def package(path: str) -> Path:
    """A file of an npm package; where it or Node is absent the test is skipped, and fails on CI."""
    if shutil.which("node") is None:
        official.absent(NO_NODE)
    file = official.MODULES / path
    if not file.exists():
        official.absent(ABSENT)
    return file


@cache
def joined_cli() -> Path:
    """The command line as it was published, with its modules joined: Node reads a thousand files of it else.

    A command takes less than half as long. It is kept beside the packages until others are installed. A run of all
    cases uses the published file itself.
    """
    published = package(CLI)
    if chosen() == NIGHTLY:
        return published
    lock = (official.MODULES / ".package-lock.json").read_bytes()
    kept = official.MODULES / ".cache" / f"neon-{sha256(lock).hexdigest()[:16]}"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=kept.parent) as folder:
            made = Path(folder, "neon")
            command: list[str | Path] = [official.MODULES / BUNDLER, published, *ONE_FILE, f"--outdir={made}/dist"]
            subprocess.run(command, cwd=published.parents[1], check=True)
            shutil.copy(published.parents[1] / "package.json", made)
            with suppress(OSError):  # another process was first
                made.rename(kept)
    return kept / "dist/cli.js"


@dataclass(frozen=True, slots=True)
class Cli:
    """The ``neon`` command in a folder of its own; a call is one command that has to succeed."""

    neon: ServedNeon
    folder: Path
    options: Sequence[str] = ()
    key: str | None = None

    def about(self, project_id: str) -> Cli:
        """Commands that are about one project."""
        return replace(self, options=("--project-id", project_id))

    def with_key(self, key: str) -> Cli:
        """Commands of somebody else."""
        return replace(self, key=key)

    def __call__(self, *args: str) -> Any:
        """The JSON that a command prints; None where it prints nothing."""
        text = self.text(*args)
        return json.loads(text) if text else None

    def text(self, *args: str) -> str:
        """What a command prints."""
        ended = self.run(*args)
        assert ended.returncode == 0, f"neon {' '.join(args)}: {ended.stderr}"
        return ended.stdout

    def refused(self, *args: str) -> str:
        """What a command that has to fail says about it."""
        ended = self.run(*args)
        assert ended.returncode == 1, f"neon {' '.join(args)}: {ended.stdout}"
        assert ended.stdout == ""
        assert ended.stderr.startswith("ERROR: "), ended.stderr
        return ended.stderr.removeprefix("ERROR: ").strip()

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """A command from its start to its end, and until its operations have ended."""
        environ = self.neon.environ(self.folder)
        if self.key is not None:
            environ["NEON_API_KEY"] = self.key
        everywhere = ("--output", "json", "--no-analytics", "--config-dir", str(self.folder / "config"))
        ended = run_node(joined_cli(), *args, *self.options, *everywhere, environ=environ, cwd=self.folder)
        self.neon.simulator.clock.advance(COMMAND_SECONDS)
        return ended
