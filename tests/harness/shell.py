"""The command line as its users meet it: a folder of files, commands, what they print and how they end."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.cli.main import run
from reconciler.cli.runtime import Runtime
from reconciler.environment import Environment
from reconciler.simulator.clock import LoopTime
from tests.harness.account import a_simulator
from tests.harness.judge import JudgedTransport, session_judge
from tests.harness.stored import Stored
from tests.harness.wire import Act, Wire, answered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from reconciler.simulator.simulator import Simulator

ROOT: Final = Path(__file__).parents[2]

TIERS = """\
version: 1
fleet: prod
naming: {project: "myapp-{tenant}"}
organizations:
  free:
    id: ${NEON_FREE_ORG_ID}
    api_key: ${FREE_ORG_API_KEY}
    limits: {projects: 30000, branches: 10, snapshots: 1, compute: {min_cu: 0.25, max_cu: 2}, restore_window: 1d,
             min_suspend_timeout: 5m}
  paid:
    id: ${NEON_PAID_ORG_ID}
    api_key: ${PAID_ORG_API_KEY}
    limits: {projects: 30000, branches: 1000, snapshots: 10, compute: {min_cu: 0.25, max_cu: 16},
             restore_window: 7d, min_suspend_timeout: 1m}
personal_api_key: ${PERSONAL_API_KEY}
tiers:
  free:
    organization: free
    quota: {active_time: 100h, compute_time: unlimited, written_data: unlimited, data_transfer: 5GiB,
            logical_size: 512MiB}
    compute: {min_cu: 0.25, max_cu: 2, suspend_timeout: 5m}
    restore_window: 1d
  pro:
    organization: paid
    quota: {active_time: 750h, compute_time: unlimited, written_data: unlimited, data_transfer: 50GiB,
            logical_size: 10GiB}
    compute: {min_cu: 0.5, max_cu: 4, suspend_timeout: 5m}
    restore_window: 7d
"""


DAY_SECONDS: Final = 86_400.0
START_SECONDS: Final = datetime(2028, 2, 27, 21, 58, 57, tzinfo=UTC).timestamp()


class PassingTime:
    """A clock that is so many seconds later each time somebody reads it, whatever the machine's own clock does.

    A test that compares what two commands print about time fails with it at any time of day, on any machine.
    It starts two days before a 29 February: the third command runs in another month.
    """

    def __init__(self, stride_seconds: float, start_seconds: float = START_SECONDS) -> None:
        self._stride = stride_seconds
        self._now = start_seconds

    def __call__(self) -> float:
        """Seconds since 1970."""
        self._now += self._stride
        return self._now


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its JSON document."""
        return json.loads(self.out)


def run_in(folder: Path, args: Sequence[str], around: Runtime, *, stdin: bytes = b"") -> Ended:
    """Runs a command as the shell would, as far as a process of its own is not what it is about."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(list(args), obj=around)
    return Ended(int(code), out.getvalue(), err.getvalue())


class Shell:
    """A folder with a price list, commands run in it, and the embedded Neon behind them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ: dict[str, str] = {}
        self.interactive = False
        self.clock: Callable[[], float] = PassingTime(DAY_SECONDS + 3661)
        """When commands run against the embedded Neon: each a day and an hour after the one before it."""
        self.act: Act = answered
        """What becomes of the requests of the commands to the embedded Neon."""
        self._judge = session_judge()
        self.write("tiers.yaml", TIERS)
        (folder / "tenants").mkdir()

    def declare_the_fleet_of_the_repository(self) -> None:
        """Puts its tiers.yaml and tenants/ into the folder."""
        shutil.copy(ROOT / "tiers.yaml", self.folder)
        shutil.copytree(ROOT / "tenants", self.folder / "tenants", dirs_exist_ok=True)

    def write(self, path: str, text: str) -> None:
        """Writes a file of the folder."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def tenant(self, name: str, text: str = "tier: free") -> None:
        """Writes a tenant's file."""
        self.write(f"tenants/{name}.yaml", f"tenant: {name}\n{text}\n")

    def run(self, *args: str, stdin: bytes = b"") -> Ended:
        """Runs a command in the folder."""
        around = Runtime(
            environ=Environment(self.environ), interactive=self.interactive, wrap=self._judged, clock=self.clock
        )
        return run_in(self.folder, args, around, stdin=stdin)

    def simulated(self, command: str, *args: str, stdin: bytes = b"") -> Ended:
        """Runs a command against the embedded Neon of this folder."""
        return self.run(command, "--simulator", "sim.db", *args, stdin=stdin)

    def applied(self, *args: str) -> Ended:
        """Applies, which has to succeed."""
        ended = self.simulated("apply", "--yes", "--journal", "journal.jsonl", *args)
        assert ended.code == 0, ended.err + ended.out
        return ended

    def account(self, now: float | None = None) -> Simulator:
        """The embedded Neon of this folder, for somebody who is at work in its console at that time."""
        starts_at = self.clock() if now is None else now
        return a_simulator(path=self.folder / "sim.db", clock_source=LoopTime(starts_at))

    @property
    def stored(self) -> Stored:
        """The rows of the embedded Neon of this folder."""
        return Stored.at(self.folder / "sim.db")

    @property
    def journal(self) -> list[dict[str, Any]]:
        """The lines of the journal."""
        return [json.loads(line) for line in (self.folder / "journal.jsonl").read_text().splitlines()]

    def _judged(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        return Wire(JudgedTransport(transport, self._judge), self.act)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty fleet."""
    return Shell(tmp_path)
