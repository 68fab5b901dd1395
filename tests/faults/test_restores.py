"""Every fault at every call of each restore: the same command again ends as if nothing had happened."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from reconciler.errors import ReconcilerError
from reconciler.fleet import Fleet, RunOptions
from reconciler.plan.outcome import Result
from reconciler.simulator.seed import ProjectSeed
from tests import profiles
from tests.faults.kinds import KINDS, calls_on, struck
from tests.harness.account import API, world
from tests.harness.builders import DAY, a_branch, a_fleet, a_tenant
from tests.harness.stored import Stored
from tests.harness.wire import Killed, Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    import httpx

    from reconciler.fleet import Commanded
    from reconciler.plan.return_points import ReturnPoints
    from tests.faults.kinds import Call
    from tests.harness.account import World

Asked: TypeAlias = "Callable[[Fleet, RunOptions], Awaitable[Commanded]]"
FLEET: Final = a_fleet(a_tenant("acme", "pro"))
BEFORE: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Job:
    """A command of a person, and what was done before it."""

    asked: Asked
    first: Asked | None = None


def to_moment(*, preview: bool = False) -> Asked:
    async def ask(fleet: Fleet, run: RunOptions) -> Commanded:
        return await fleet.restore("acme", to=MOMENT, preview=preview, run=run)

    return ask


def to_snapshot(*, preview: bool = False) -> Asked:
    async def ask(fleet: Fleet, run: RunOptions) -> Commanded:
        return await fleet.restore("acme", snapshot="v1", preview=preview, run=run)

    return ask


async def finalize(fleet: Fleet, run: RunOptions) -> Commanded:
    return await fleet.finalize_preview("acme", run=run)


async def discard(fleet: Fleet, run: RunOptions) -> Commanded:
    return await fleet.discard_preview("acme", run=run)


JOBS: Final = {
    "to a moment": Job(to_moment()),
    "to a snapshot": Job(to_snapshot()),
    "a preview of a moment": Job(to_moment(preview=True)),
    "a preview of a snapshot": Job(to_snapshot(preview=True)),
    "the preview of a moment, finalized": Job(finalize, to_moment(preview=True)),
    "the preview of a snapshot, finalized": Job(finalize, to_snapshot(preview=True)),
    "a preview, discarded": Job(discard, to_moment(preview=True)),
}
STARTS_AT: Final = datetime(2031, 11, 5, 16, tzinfo=UTC)
MOMENT: Final = STARTS_AT - BEFORE


class Scene:
    """An account with one project, whose tenant has a snapshot, and whoever types a command."""

    def __init__(self, neon: World, folder: Path) -> None:
        self.neon = neon
        self.runs = 0
        self.folder = folder
        note = {**a_branch("p-acme").annotations, "tenant": "acme"}
        created_at = STARTS_AT.timestamp() - 3 * DAY
        seed = ProjectSeed("myapp-acme", annotations=note, created_at=created_at, restore_window_seconds=7 * DAY)
        neon.simulator.add_project("paid", seed)
        (branch,) = Stored.of(neon.simulator).rows("branches")

        async def take(client: object) -> None:
            path = f"/projects/{branch['project_id']}/branches/{branch['id']}/snapshot?name=v1"
            async with neon.http() as http:
                (await http.post(path)).raise_for_status()
            await asyncio.sleep(60.0)

        neon.using(take)

    def do(self, asked: Asked, via: httpx.AsyncBaseTransport | None = None) -> Commanded | ReconcilerError:
        """What becomes of a command: its result, or the error that a person reads."""
        self.runs += 1
        run = RunOptions(id=f"r{self.runs}", journal=self.folder / f"r{self.runs}.jsonl")

        async def main() -> Commanded | ReconcilerError:
            connected = Fleet.connect(FLEET, environ=self.neon.environ, host=API.host, via=via or self.neon.via)
            async with connected as fleet:
                try:
                    return await asked(fleet, run)
                except ReconcilerError as error:
                    return error

        return self.neon.run(main())

    def history(self) -> ReturnPoints:
        async def main() -> ReturnPoints:
            connected = Fleet.connect(FLEET, environ=self.neon.environ, host=API.host, via=self.neon.via)
            async with connected as fleet:
                return await fleet.history("acme")

        return self.neon.run(main())

    def plan_is_empty(self) -> bool:
        async def main() -> bool:
            connected = Fleet.connect(FLEET, environ=self.neon.environ, host=API.host, via=self.neon.via)
            async with connected as fleet:
                return not [a for a in (await fleet.plan()).plan.actions if "branch" in a.kind or "snap" in a.kind]

        return self.neon.run(main())


def opened(job: Job, folder: Path) -> Iterator[Scene]:
    """The scene right before the command."""
    with world(starts_at=STARTS_AT.timestamp(), refusals_allowed=True) as neon:
        scene = Scene(neon, folder)
        if job.first is not None:
            assert succeeded(scene.do(job.first))
        yield scene


def succeeded(ended: Commanded | ReconcilerError) -> bool:
    """Whether a person reads that all is well: it is done, or there was nothing left to do."""
    if isinstance(ended, ReconcilerError) or ended.planned.plan.refusals:
        return False
    outcomes = ended.report.outcomes if ended.report else ()
    return all(outcome.result in (Result.APPLIED, Result.UNCHANGED) for outcome in outcomes)


def state(scene: Scene) -> list[str]:
    """What is in the project: how many of what, of whom made, and which one is the default branch."""
    stored = Stored.of(scene.neon.simulator)
    found = []
    names = {row["id"]: row["body"]["name"] for row in stored.rows("branches")}
    for row in stored.rows("branches"):
        body = row["body"]
        name = body["name"].partition(" (old until")[0]
        parent = names.get(body.get("parent_id"), "")
        computes = len(stored.rows("endpoints", branch_id=row["id"]))
        restored = body.get("restore_status", "")
        found.append(f"branch {name} of {parent!r} {body['default']} {restored} with {computes} computes")
    found += [f"snapshot {row['body']['name']}" for row in stored.rows("snapshots")]
    return sorted(found)


@cache
def undisturbed(name: str) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    """The calls of the command where nothing goes wrong, and what it ends with."""
    import tempfile  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        for scene in opened(JOBS[name], Path(folder)):
            way = Wire(scene.neon.via)
            assert succeeded(scene.do(JOBS[name].asked, way))
            assert scene.plan_is_empty()
            ended = tuple(state(scene))
            calls = tuple(calls_on(way))
            assert succeeded(scene.do(JOBS[name].asked))
            assert tuple(state(scene)) == ended, "the same command again does nothing"
            return calls, ended
    raise AssertionError


def wrong(name: str, kind: str, at: int, folder: Path) -> Iterator[str]:
    """What does not hold where the fault strikes the call of that number."""
    _, expected = undisturbed(name)
    for scene in opened(JOBS[name], folder):
        way = Wire(scene.neon.via, struck(scene.neon.simulator, KINDS[kind], at))
        try:
            first = scene.do(JOBS[name].asked, way)
        except Killed:
            first = None
        if first is not None and succeeded(first) and state(scene) != list(expected):
            yield f"the command says that all is well, and it is not: {state(scene)}"
        end_operations(scene)
        second = scene.do(JOBS[name].asked)
        if not succeeded(second):
            yield f"the same command again does not succeed: {second}"
        if state(scene) != list(expected):
            yield f"it ends as {state(scene)}, not as {list(expected)}"
        if not scene.plan_is_empty():
            yield "the next plan is not empty"


def end_operations(scene: Scene) -> None:
    """What support at Neon does where an operation is stuck."""
    stored = Stored.of(scene.neon.simulator)
    for row in stored.rows("operations"):
        if row["ends_at"] is None:
            stored.change("operations", row["id"], ends_at=stored.now)


def places(name: str, kind: str) -> list[int]:
    """The numbers of the calls that a kind strikes: all of them, a write if it strikes any, or one."""
    calls, _ = undisturbed(name)
    strikes = [at for at, call in enumerate(calls, 1) if KINDS[kind].strikes(call)]
    if profiles.chosen() == profiles.CI:
        strikes = [at for at in strikes if not calls[at - 1].reads] or strikes
    return profiles.drawn(f"restores {name} {kind}", strikes, profiles.size(1, 1, 1000))


@pytest.mark.drawn(15)
@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_command_again_ends_as_if_nothing_had_happened(kind: str, name: str, tmp_path: Path) -> None:
    found = {}
    for at in places(name, kind):
        folder = tmp_path / str(at)
        folder.mkdir()
        found[f"{kind} at call {at}, {undisturbed(name)[0][at - 1]}"] = list(wrong(name, kind, at, folder))
    assert not {place: what for place, what in found.items() if what}


def test_every_command_writes_and_is_waited_for() -> None:
    writes = {name: [str(call) for call in undisturbed(name)[0] if not call.reads] for name in JOBS}
    assert {name: len(calls) for name, calls in writes.items()} == {
        "to a moment": 2,
        "to a snapshot": 2,
        "a preview of a moment": 1,
        "a preview of a snapshot": 1,
        "the preview of a moment, finalized": 3,
        "the preview of a snapshot, finalized": 2,
        "a preview, discarded": 1,
    }
