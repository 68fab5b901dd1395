"""One scenario: its folder, what a run makes of it, and the files that say what has to come out."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.cli.embedded_neon import open_account
from reconciler.cli.runtime import Runtime
from reconciler.cli.scene import read_scene
from reconciler.environment import Environment
from reconciler.fleet import read
from reconciler.simulator.clock import LoopTime
from tests.harness.events import check_end, check_folded, read_events
from tests.harness.judge import JudgedTransport, session_judge
from tests.harness.repository import git
from tests.harness.shell import run_in
from tests.harness.wire import Wire
from tests.scenarios import recording
from tests.scenarios.account import look_into
from tests.scenarios.end_format import FLEET_NAME, NOW
from tests.scenarios.price_list import overlaid

if TYPE_CHECKING:
    import httpx

    from reconciler.simulator.simulator import Simulator
    from tests.harness.shell import Ended

FOLDER: Final = Path(__file__).parent
SIMULATOR: Final = "sim.db"
TOLD: Final = ("--events", "events.jsonl", "--output", "report.json")
"""What apply tells beside its text: both have to say the same."""
COMMITTED: Final = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{NOW - 3600:.0f} +0000")
"""Every commit is an hour old."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out, in the form of the expectations; ``again`` is the document of a second plan."""

    plan: str
    requests: str
    end: str
    exit: str
    first: Any
    second: Any

    @property
    def files(self) -> dict[str, str | None]:
        """Each expectation by the name of its file; None where there is to be none."""
        return {
            "plan.txt": self.plan,
            "requests.txt": self.requests,
            "end.yaml": self.end,
            "exit": None if self.exit == "0\n" else self.exit,
        }


def names() -> list[str]:
    """Every scenario."""
    return sorted(path.name for path in FOLDER.iterdir() if (path / "tenants").is_dir())


def expected(name: str) -> dict[str, str | None]:
    """What the files of the scenario say."""
    paths = {file: FOLDER / name / file for file in ("plan.txt", "requests.txt", "end.yaml", "exit")}
    return {file: path.read_text(encoding="utf-8") if path.exists() else None for file, path in paths.items()}


def play(name: str, folder: Path) -> Outcome:
    """Plans, applies and plans again in an empty folder, through the command line. Raises AssertionError."""
    case = FOLDER / name
    stage(case, folder)
    with _account(folder) as simulator:
        for organization, seed in read_scene(_text(case / "live.yaml"), fleet=FLEET_NAME, now=NOW):
            simulator.add_project(organization, seed)
        before = look_into(simulator)
    run = _Run(folder, [*_base(case), *shlex.split(_text(case / "flags"))])
    first, planned = run.document(), run.command("plan")
    applied = run.command("apply", "--yes", "--journal", "journal.jsonl", *TOLD)
    assert planned.code == applied.code, applied.err + applied.out
    with _account(folder) as simulator:
        after = look_into(simulator)
        keys = {key: f"key of {organization}" for organization, key in simulator.organization_keys.items()}
        keys[simulator.personal_key] = "personal key"
    _check_events(folder, applied.code)
    second = run.document()
    run.judge.verify()
    return Outcome(
        plan=planned.out,
        requests=recording.write(run.writes, keys, {**after.names, **before.names}),
        end=after.text,
        exit=f"{applied.code}\n",
        first=first,
        second=second,
    )


def _check_events(folder: Path, code: int) -> None:
    events = read_events(_text(folder / "events.jsonl"))
    if not (folder / "report.json").exists():
        assert [line["event"] for line in events] == ["run_failed"]
        assert events[0]["exit_code"] == code
        return
    report = json.loads(_text(folder / "report.json"))
    check_end(events, report, code)
    check_folded(events, report)


def check_settled(outcome: Outcome) -> None:
    """A second plan holds nothing, and is refused exactly what the first one was. Raises AssertionError."""
    assert outcome.second["tenants"] == []
    assert _standing(outcome.second) == _standing(outcome.first)


def _standing(document: Any) -> Any:
    """What a plan leaves to people; the live values that would go along may have moved meanwhile."""
    for refusal in document["refusals"]:
        for action in refusal["actions"]:
            action.pop("companions", None)
    return document["refusals"], document["conflicts"]


def stage(case: Path, folder: Path) -> None:
    """The files of the scenario in the folder; where it has a base, as a commit over that of the base."""
    if not (case / "base").is_dir():
        _lay(case, folder, case)
        return
    git(folder, "init")
    for files in (case / "base", case):
        shutil.rmtree(folder / "tenants", ignore_errors=True)
        _lay(files, folder, case)
        for command in (["add", "."], ["commit", "--allow-empty", f"--message={files.name}"], ["tag", files.name]):
            git(folder, *command, environ=COMMITTED)


def _lay(files: Path, folder: Path, case: Path) -> None:
    own = next((path for place in (files, case) if (path := place / "tiers.yaml").exists()), None)
    (folder / "tiers.yaml").write_text(overlaid(FOLDER / "tiers.yaml", own), encoding="utf-8")
    shutil.copytree(files / "tenants", folder / "tenants")


def _base(case: Path) -> list[str]:
    return ["--base", "base" if (case / "base").is_dir() else "none"]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _account(folder: Path) -> Simulator:
    return open_account(folder / SIMULATOR, read(folder), LoopTime(NOW))


class _Run:
    """Commands in a folder, at a fixed time, before the judge."""

    def __init__(self, folder: Path, flags: list[str]) -> None:
        self._folder = folder
        self._flags = flags
        self.judge = session_judge()
        self.writes: list[httpx.Request] = []

    def command(self, *words: str) -> Ended:
        around = Runtime(environ=Environment({}), interactive=False, wrap=self._wrap, clock=lambda: NOW)
        return run_in(self._folder, [*words, "--simulator", SIMULATOR, *self._flags], around)

    def document(self) -> Any:
        return json.loads(self.command("plan", "--format", "json").out)

    def _wrap(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        return Wire(JudgedTransport(transport, self.judge), recording.keeping(self.writes))
