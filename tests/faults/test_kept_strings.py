"""Every fault at every call, and a death at every write to the registry, where it keeps connection strings.

Whatever happens, the registry has the string that works, or says that it is due; the next run writes it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.desired.tier import EnvReference
from reconciler.errors import ReconcilerError, RegistryError
from reconciler.fleet import Fleet, Rotate, RunOptions
from reconciler.live.registered import KeptString
from reconciler.plan.outcome import Result
from reconciler.registry.database import DatabaseRegistry
from tests import profiles
from tests.faults.kinds import KINDS, calls_on, struck
from tests.harness.account import API, world
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.registry_database import required
from tests.harness.stored import Stored
from tests.harness.wire import Killed, Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    import httpx

    from reconciler.plan.outcome import Report
    from tests.faults.kinds import Call
    from tests.harness.account import World

KEY: Final = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
NEW_KEY: Final = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
LAPSED_SECONDS: Final = 16 * 60
ROTATE: Final = Rotate(tenant="acme", role="neondb_owner")


@dataclass
class Scene:
    """A fleet with a registry that keeps connection strings, and whoever gives commands."""

    neon: World
    folder: Path
    runs: int = 0
    told: str = ""
    """Everything that a person reads."""
    keys: str = KEY

    def do(
        self, use: Callable[[Fleet, RunOptions], Awaitable[Report | None]], via: httpx.AsyncBaseTransport
    ) -> bool:
        """Whether a person reads that all is well."""
        self.runs += 1
        run = RunOptions(id=f"r{self.runs}", journal=self.folder / f"r{self.runs}.jsonl")
        desired = a_fleet(
            a_tenant("acme"),
            registry=f"sqlite:///{self.folder / 'registry.db'}",
            registry_key=EnvReference("REGISTRY_KEY"),
        )

        async def main() -> Report | None:
            environ = {**self.neon.environ, "REGISTRY_KEY": self.keys}
            async with Fleet.connect(desired, environ=environ, host=API.host, via=via) as fleet:
                return await use(fleet, run)

        try:
            report = self.neon.run(main())
        except ReconcilerError as error:
            self.told += f"{error} {error.hint}"
            return False
        self.told += repr(report)
        return report is None or all(outcome.result is not Result.FAILED for outcome in report.outcomes)

    def wait(self) -> None:
        """Until claims and marks of dead runs have lapsed."""
        self.neon.run(asyncio.sleep(LAPSED_SECONDS))

    @property
    def passwords(self) -> list[str]:
        """Of each project, the current one."""
        return [row["password"] for row in Stored.of(self.neon.simulator).rows("roles")]

    def kept(self) -> tuple[KeptString | None, bool]:
        """What the row says, and whether the string in it works."""
        found: list[tuple[KeptString | None, bool]] = []

        async def look(fleet: Fleet, _run: RunOptions) -> None:
            (row,) = (await fleet.registered_tenants()).tenants or (None,)
            works = False
            with suppress(ReconcilerError):
                string = (await fleet.kept_connection("acme")).direct.reveal()
                works = f":{self.passwords[0]}@" in string if self.passwords else False
            found.append((None if row is None else row.connection_string, works))

        assert self.do(look, self.neon.via)
        return found[0]

    def written(self) -> str:
        """Everything in files."""
        texts = [path.read_text(encoding="utf-8") for path in self.folder.glob("*.jsonl")]
        with closing(sqlite3.connect(self.folder / "registry.db")) as database:
            return "\n".join([*texts, *database.iterdump()])


async def sign_up(fleet: Fleet, run: RunOptions) -> Report:
    return (await fleet.converge("acme", run=run)).report


async def rotate(fleet: Fleet, run: RunOptions) -> Report:
    return (await fleet.rotate(ROTATE, run=run)).report


async def next_run(fleet: Fleet, run: RunOptions) -> Report:
    return await fleet.apply(await fleet.plan(), run)


async def write_again(fleet: Fleet, _run: RunOptions) -> None:
    await fleet.keep_connections({"acme": await fleet.connection("acme")})


JOBS: Final = {"sign-up": sign_up, "rotate": rotate}


@contextmanager
def opened(job: str, folder: Path) -> Iterator[Scene]:
    required()
    folder.mkdir()
    with world(refusals_allowed=True) as neon:
        scene = Scene(neon, folder)
        if job == "rotate":
            assert scene.do(sign_up, neon.via)
            assert scene.kept() == (KeptString.KEPT, True)
        yield scene


@cache
def calls(job: str) -> tuple[Call, ...]:
    """Of the undisturbed command."""
    with TemporaryDirectory() as folder, opened(job, Path(folder) / "calls") as scene:
        way = Wire(scene.neon.via)
        assert scene.do(JOBS[job], way)
        assert scene.kept() == (KeptString.KEPT, True)
        return tuple(calls_on(way))


def places(job: str, kind: str) -> list[tuple[int, Call]]:
    """The calls that a kind strikes, or one of them."""
    strikes = [(at, call) for at, call in enumerate(calls(job), 1) if KINDS[kind].strikes(call)]
    return profiles.drawn(f"kept strings {job} {kind}", strikes, profiles.size(1, 1, 1000))


def wrong(scene: Scene, *, well: bool) -> Iterator[str]:
    """What does not hold after a command that was disturbed, and after the next run."""
    state, works = scene.kept()
    if well and (state, works) != (KeptString.KEPT, True):
        yield f"all is well, and the string is {state}, works: {works}"
    if state is KeptString.KEPT and not works:
        yield "a string that does not work is not marked"
    scene.wait()
    end_operations(scene)
    scene.do(next_run, scene.neon.via)
    if scene.kept() != (KeptString.KEPT, True):
        yield f"after the next run it is {scene.kept()}"
    if len(scene.passwords) != 1:
        yield f"{len(scene.passwords)} projects"
    for password in scene.passwords:
        if password in scene.told + scene.written():
            yield "a password left the program"


def end_operations(scene: Scene) -> None:
    """What support at Neon does where an operation is stuck."""
    stored = Stored.of(scene.neon.simulator)
    for row in stored.rows("operations"):
        if row["ends_at"] is None:
            stored.change("operations", row["id"], ends_at=stored.now)


@pytest.mark.drawn(6, ci=25, each=("kind", "job"))
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_any_call_leaves_the_string_or_a_mark(job: str, kind: str, tmp_path: Path) -> None:
    failures = []
    for number, call in places(job, kind):
        with opened(job, tmp_path / f"{number}") as scene:
            way = Wire(scene.neon.via, struck(scene.neon.simulator, KINDS[kind], number))
            well = False
            with suppress(Killed):
                well = scene.do(JOBS[job], way)
            failures += [f"{number} {call}: {what}" for what in wrong(scene, well=well)]
    assert not failures, "\n".join(failures)


@pytest.mark.drawn(2)
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_death_at_any_write_to_the_registry_loses_no_string(
    job: str, done: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = DatabaseRegistry.write
    count = deaths = 0

    def dying_at(number: int) -> Any:
        async def dying(self: DatabaseRegistry, call: Any, *args: Any, **named: Any) -> Any:
            nonlocal count, deaths
            count += 1
            if count == number and not done:
                deaths += 1
                raise Killed
            result = await write(self, call, *args, **named)
            if count == number:
                deaths += 1
                raise Killed
            return result

        return dying

    number, failures = 0, []
    while deaths == number:
        number += 1
        with opened(job, tmp_path / f"{number}") as scene:
            count = 0
            with monkeypatch.context() as patch, suppress(Killed):
                patch.setattr(DatabaseRegistry, "write", dying_at(number))
                scene.do(JOBS[job], scene.neon.via)
            failures += [f"write {number}: {what}" for what in wrong(scene, well=False)]
    assert not failures, "\n".join(failures)
    assert deaths >= 2


def test_a_registry_that_fails_after_a_reset_is_told_and_the_string_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened("rotate", tmp_path / "scene") as scene:
        with monkeypatch.context() as patch:
            patch.setattr("reconciler.registry.connection_strings.StringRows.keep_strings", broken)
            assert not scene.do(rotate, scene.neon.via)
        assert "the password was reset, but the registry still has the old connection string" in scene.told
        assert "`reconciler connections acme --to-registry` writes the new one" in scene.told
        assert scene.kept() == (KeptString.DUE, False)
        assert scene.do(write_again, scene.neon.via)
        assert scene.kept() == (KeptString.KEPT, True)


def test_nothing_is_reset_where_the_registry_cannot_be_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened("rotate", tmp_path / "scene") as scene:
        before = scene.passwords
        with monkeypatch.context() as patch:
            patch.setattr("reconciler.registry.connection_strings.StringRows.expect_strings", broken)
            assert not scene.do(rotate, scene.neon.via)
        assert scene.passwords == before
        assert scene.kept() == (KeptString.KEPT, True)


def broken(*_: object) -> bool:
    raise RegistryError("the registry cannot be used: disk I/O error")


def test_another_run_leaves_a_reset_that_has_just_begun_to_the_run_that_does_it(tmp_path: Path) -> None:
    with opened("rotate", tmp_path / "scene") as scene:
        number = next(at for at, call in enumerate(calls("rotate"), 1) if not call.reads)
        way = Wire(scene.neon.via, struck(scene.neon.simulator, KINDS["killed after it was carried out"], number))
        with pytest.raises(Killed):
            scene.do(rotate, way)
        assert scene.kept() == (KeptString.DUE, False)
        assert scene.do(next_run, scene.neon.via)
        assert scene.kept() == (KeptString.DUE, False)
        scene.wait()
        assert scene.do(next_run, scene.neon.via)
        assert scene.kept() == (KeptString.KEPT, True)


@pytest.mark.parametrize("keys", ["", "not-a-key"])
@pytest.mark.parametrize("job", JOBS)
def test_without_the_key_nothing_is_written(job: str, keys: str, tmp_path: Path) -> None:
    with opened(job, tmp_path / "scene") as scene:
        before, calls_before = scene.passwords, scene.neon.writes()
        scene.keys = keys
        assert not scene.do(JOBS[job], scene.neon.via)
        assert "$REGISTRY_KEY" in scene.told
        assert keys == "" or keys not in scene.told
        assert (scene.passwords, scene.neon.writes()) == (before, calls_before)


def test_a_new_key_is_taken_without_a_call_of_its_own(tmp_path: Path) -> None:
    async def rebuild(fleet: Fleet, _run: RunOptions) -> None:
        await fleet.rebuild_registry()

    with opened("rotate", tmp_path / "scene") as scene:
        scene.keys = f"{NEW_KEY} {KEY}"
        assert scene.do(rebuild, scene.neon.via)
        assert not [call for call in scene.neon.calls() if "connection_uri" in call]
        scene.keys = NEW_KEY
        assert scene.kept() == (KeptString.KEPT, True)
