"""Every fault at every call of the commands on one tenant, and of a rollback, from the command line.

A command that ends with 0 has done what it says. After any other end the same command, or ``converge`` where it
has edited the file, ends as if nothing had happened.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.cli.runtime import Runtime
from reconciler.environment import Environment
from reconciler.simulator.simulator import Simulator
from tests import profiles
from tests.faults.kinds import KINDS, Call, calls_on, struck
from tests.harness.judge import JudgedTransport, session_judge
from tests.harness.repository import git, needs_git
from tests.harness.shell import START_SECONDS, TIERS, run_in
from tests.harness.stored import Stored
from tests.harness.wire import InProcess, Killed, Wire, answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.harness.shell import Ended
    from tests.harness.wire import Act

pytestmark = needs_git

ACME: Final = "tenant: acme\ntier: pro\ndev_branches: [preview]\n"
SUSPENDED: Final = ACME + 'state: suspended\nreason: "payment is overdue"\n'
BOOST: Final = ("boost", "acme", "quota.active_time=unlimited", "--until", "400d", "--yes")
LISTED: Final = """\
tenant: acme
tier: pro
roles: [app, old]
databases: [{name: app, owner: old}, {name: legacy, owner: old}]
dev_branches: [preview]
"""
OTHERS: Final = """\
tenant: acme
tier: pro
roles: [app, new]
databases: [{name: app, owner: app}, {name: fresh, owner: new}]
dev_branches: [{name: preview, roles: [tester], databases: [{name: scratch, owner: tester}]}]
accept: {deletion: [databases.legacy, roles.old]}
"""
RUN: Final = "RUN"
"""Stands for the run of the journal ``made.jsonl``."""


@dataclass(frozen=True, slots=True)
class Job:
    """A command, and the file of its tenant before it."""

    words: tuple[str, ...]
    file: str = ACME
    before: tuple[str, ...] = ()
    """A command that was given before."""
    edited: str = ""
    """The file of its tenant at the command, if somebody has edited it."""


JOBS: Final = {
    "suspend": Job(("suspend", "acme", "--reason", "payment is overdue", "--yes")),
    "resume": Job(("resume", "acme", "--yes"), SUSPENDED),
    "boost": Job(BOOST),
    "hold": Job(("hold", "acme", "--until", "400d", "--reason", "a dispute", "--yes")),
    "the end of a hold": Job(
        ("hold", "acme", "--end", "--yes"),
        before=("hold", "acme", "--until", "400d", "--reason", "a dispute", "--yes"),
    ),
    "branch reset": Job(("branch", "reset", "acme", "preview", "--yes")),
    "rotate": Job(("rotate", "acme", "--role", "neondb_owner", "--connections-to", "strings", "--yes")),
    "connections": Job(("connections", "acme", "--connections-to", "strings")),
    "history": Job(("history", "acme", "--format", "json")),
    "rollback": Job(
        ("rollback", RUN, "--journals", "made.jsonl", "--yes"), before=(*BOOST, "--journal", "made.jsonl")
    ),
    "roles and databases": Job(("converge", "acme"), LISTED, edited=OTHERS),
    "restore": Job(("restore", "acme", "--to", "2028-02-28T00:30:00Z", "--yes")),
}
ANY_CALL: Final = Call("GET", "/projects/any")
KINDS_OF_A_COMMAND: Final = profiles.size(2, 3, len(KINDS))
"""Of those that strike any call: all commands together meet each of them."""
RARE_KINDS_OF_A_COMMAND: Final = profiles.size(1, len(KINDS), len(KINDS))
"""Of those that strike only lists of projects, or writes that start operations."""
CALLS_OF_A_KIND: Final = profiles.size(1, 1, 1000)
OPENED: Final[list[Simulator]] = []
LATER_SECONDS: Final = 7200.0
"""Between two commands; a restore window reaches back further."""


@dataclass
class Scene:
    """A folder with a fleet of one tenant and its simulated account."""

    folder: Path
    now: float = START_SECONDS
    told: str = ""

    def do(self, *words: str, act: Act = answered, number: int = 0, kind: str = "") -> tuple[Ended, list[Call]]:
        """What a command prints, and its calls. A fault of that kind strikes the call of that number."""
        self.now += LATER_SECONDS
        wires: list[Wire] = []

        def wrapped(_: httpx.AsyncBaseTransport) -> Wire:
            (simulator,) = OPENED
            way = JudgedTransport(InProcess(simulator.app), session_judge(refusals_allowed=True))
            wires.append(Wire(way, struck(simulator, KINDS[kind], number) if kind else act))
            return wires[-1]

        around = Runtime(Environment({}), interactive=False, wrap=wrapped, clock=lambda: self.now)
        given = [self.run if word == RUN else word for word in words]
        ended = run_in(self.folder, (*given, "--simulator", "sim.db"), around)
        self.told += ended.out + ended.err
        return ended, calls_on(wires[-1]) if wires else []

    def copy(self) -> Scene:
        """The same in a folder of its own."""
        folder = Path(mkdtemp(dir=self.folder.parent))
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Scene(folder, self.now)

    @property
    def run(self) -> str:
        """The run that the command before has made."""
        with (self.folder / "made.jsonl").open(encoding="utf-8") as journal:
            return str(json.loads(journal.readline())["run"])

    @property
    def stored(self) -> Stored:
        return Stored.at(self.folder / "sim.db")

    @property
    def file(self) -> str:
        return (self.folder / "tenants/acme.yaml").read_text(encoding="utf-8")

    def state(self) -> list[str]:
        """What is there, apart from passwords, ids and times."""
        stored = self.stored
        found = [self.file.partition("until:")[0]]
        found += [str(row["body"].get("settings", {}).get("quota")) for row in stored.rows("projects")]
        for row in stored.rows("branches"):
            name, _, old = row["body"]["name"].partition(" (old")
            reset = row["body"].get("last_reset_at") is not None
            found.append(f"branch {name}{' (old)' if old else ''} {row['body']['default']} reset {reset}")
        names = {row["id"]: row["name"].partition(" (old")[0] for row in stored.rows("branches")}
        for kind in ("roles", "databases"):  # those of snapshots are in no branch
            listed = [(names[row["branch_id"]], row) for row in stored.rows(kind) if row["branch_id"] in names]
            found += [
                f"{kind} of {branch}: {row['name']}, {row['body'].get('owner_name')}" for branch, row in listed
            ]
        return sorted([*found, f"{len(stored.rows('endpoints'))} computes"])

    def passwords(self) -> set[str]:
        """All that the account has."""
        return {row["password"] for row in self.stored.rows("roles")}

    def end_operations(self) -> None:
        """What support at Neon does where an operation is stuck."""
        stored = self.stored
        for row in stored.rows("operations"):
            if row["ends_at"] is None:
                stored.change("operations", row["id"], ends_at=stored.now)


@pytest.fixture(autouse=True)
def opening(monkeypatch: pytest.MonkeyPatch) -> list[Simulator]:
    """The simulated account of the command that runs."""
    made = Simulator.__init__

    def remembered(self: Simulator, *args: Any, **named: Any) -> None:
        made(self, *args, **named)
        OPENED[:] = [self]

    monkeypatch.setattr(Simulator, "__init__", remembered)
    return OPENED


def prepared(name: str, folder: Path) -> Scene:
    """The fleet right before the command, in a repository: there, an edit is the cause of what it asks for."""
    (folder / "tenants").mkdir(parents=True)
    (folder / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    scene = Scene(folder)
    (folder / "tenants/acme.yaml").write_text(JOBS[name].file, encoding="utf-8")
    for words in (("apply", "--yes"), JOBS[name].before):
        if words:
            ended, _ = scene.do(*words)
            assert ended.code == 0, ended.err
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "tiers.yaml", "tenants")
    git(folder, "commit", "--quiet", "--message", "x")
    if JOBS[name].edited:
        (folder / "tenants/acme.yaml").write_text(JOBS[name].edited, encoding="utf-8")
    return scene


def wrong(name: str, scene: Scene, kind: str, place: tuple[int, Call], expected: list[str]) -> Iterator[str]:
    """What does not hold where the fault strikes."""
    number, call = place
    before, code = scene.file, None
    with suppress(Killed):
        ended, _ = scene.do(*JOBS[name].words, number=number, kind=kind)
        code = ended.code
    if code == 0 and scene.state() != expected:
        yield f"it ends with 0, and {scene.state()} is not {expected}"
    absorbed = KINDS[kind].absorbed(call)
    if code is not None and absorbed is not None and (code == 0) is not absorbed:
        yield f"absorbed should be {absorbed}, and it ends with {code}: {scene.told}"
    if code is not None and code not in (0, 1, 4, 6, 9):
        yield f"it ends with {code}: {scene.told}"
    scene.end_operations()
    edited = scene.file != before
    again, _ = scene.do(*(("converge", "acme") if edited else JOBS[name].words))
    if again.code != 0 or scene.state() != expected:
        yield f"then it ends with {again.code}, as {scene.state()}, not as {expected}: {again.err}"
    journals = [path.read_text(encoding="utf-8") for path in scene.folder.glob("*.jsonl")]
    if any(password in text for password in scene.passwords() for text in (scene.told, *journals)):
        yield "a password left the program"


def trials(name: str, calls: list[Call]) -> Iterator[tuple[str, tuple[int, Call]]]:
    """Some kinds of fault, each at one call, or at all in `make nightly`."""
    anywhere = [kind for kind in KINDS if KINDS[kind].strikes(ANY_CALL)]
    rare = [kind for kind in KINDS if kind not in anywhere and any(map(KINDS[kind].strikes, calls))]
    dealt = profiles.dealt("commands", anywhere, [*JOBS].index(name), KINDS_OF_A_COMMAND)
    for kind in (*dealt, *profiles.drawn(f"rare {name}", rare, RARE_KINDS_OF_A_COMMAND)):
        strikes = [(at, call) for at, call in enumerate(calls, 1) if KINDS[kind].strikes(call)]
        for place in profiles.drawn(f"commands {name} {kind}", strikes, CALLS_OF_A_KIND):
            yield kind, place


@pytest.mark.drawn(4)
@pytest.mark.parametrize("name", JOBS)
def test_a_command_that_is_disturbed_is_finished_by_the_next_one(name: str, tmp_path: Path) -> None:
    before = prepared(name, tmp_path / "before")
    undisturbed = before.copy()
    ended, calls = undisturbed.do(*JOBS[name].words)
    assert ended.code == 0, ended.err
    expected = undisturbed.state()
    failures = []
    for kind, place in trials(name, calls):
        found = wrong(name, before.copy(), kind, place, expected)
        failures += [f"{kind} at call {place[0]}, {place[1]}: {what}" for what in found]
    assert not failures, "\n".join(failures)
