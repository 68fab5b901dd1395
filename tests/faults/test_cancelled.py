"""A call of converge that is cancelled while any of its calls is under way: nothing of it is lost.

The caller is cancelled once, as by a timeout, or again and again, as some frameworks do. What was sent has its
line in the journal, no claim is left that leads to nothing, and the next call finds what there is.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

from reconciler.desired.tenant import DevBranch
from reconciler.environment import Environment
from reconciler.fleet import Fleet, RunOptions
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.registry.connect import open_registry
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.gateway import Latency
from tests.harness.account import API, World, world
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.registry_database import required
from tests.harness.stored import Stored
from tests.harness.wire import Passing, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import httpx

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Converged

T = TypeVar("T")

AT_LEAST: Final = 3
"""Calls of a run: two searches and a creation."""
BRANCH: Final = (DevBranch("dev", "main"),)
FREE: Final = a_fleet(a_tenant(dev_branches=BRANCH))
PRO: Final = a_fleet(a_tenant(tier="pro", dev_branches=BRANCH))
SLOW: Final = Latency(0.2, 0.4)
SLOWLY: Final = 30
"""Calls a minute."""


class Departure:
    """An act by which something happens as the n-th request leaves, polls of operations aside."""

    def __init__(self) -> None:
        self.calls = 0
        self.at = 0
        self.then: Callable[[], object] = lambda: None

    def expect(self, at: int, then: Callable[[], object]) -> None:
        """From now on, at the n-th request."""
        self.calls, self.at, self.then = 0, at, then

    async def __call__(self, passing: Passing) -> httpx.Response:
        """What Neon answers."""
        if "/operations" not in passing.path:
            self.calls += 1
            if self.calls == self.at:
                self.then()
        return await passing.answer()


@dataclass(frozen=True, slots=True)
class Way:
    """How a tenant is converged."""

    registry: bool
    single_writer: bool
    upgrade: bool
    again_and_again: bool

    def __str__(self) -> str:
        """As the name of a case."""
        return "-".join(name for name, on in self.members().items() if on) or "plainly"

    def members(self) -> dict[str, bool]:
        """By name."""
        return {
            "registry": self.registry,
            "single-writer": self.single_writer,
            "upgrade": self.upgrade,
            "again-and-again": self.again_and_again,
        }


WAYS: Final = tuple(
    Way(registry, single_writer, upgrade, second)
    for registry, single_writer in ((False, False), (False, True), (True, False))
    for upgrade in (False, True)
    for second in (False, True)
)


class Scene:
    """A fleet of one tenant on an account of its own."""

    def __init__(self, neon: World, folder: Path, way: Way) -> None:
        self.neon, self.folder, self.way = neon, folder, way
        self.departure = Departure()
        self.via = Wire(neon.via, self.departure)
        address = f"sqlite:///{folder / 'registry.db'}" if way.registry else None
        self.before = replace(FREE, registry=address)
        self.desired = replace(PRO if way.upgrade else FREE, registry=address)

    async def converge(self, fleet: Fleet, name: str) -> Converged:
        """The tenant, by a run with this journal."""
        run = RunOptions(id=name, journal=self.folder / f"{name}.jsonl", single_writer=self.way.single_writer)
        return await fleet.converge("acme", run=run)

    def connected(self, desired: DesiredState) -> AbstractAsyncContextManager[Fleet]:
        """A connection."""
        return Fleet.connect(desired, environ=self.neon.environ, host=API.host, via=self.via)

    async def prepared(self) -> None:
        """Where the tenant is upgraded, it has signed up before."""
        if self.way.upgrade:
            async with self.connected(self.before) as fleet:
                await self.converge(fleet, "before")
            await asyncio.sleep(60)

    async def undisturbed(self) -> int:
        """How many calls it takes."""
        await self.prepared()
        async with self.connected(self.desired) as fleet:
            self.departure.expect(0, lambda: None)
            await self.converge(fleet, "whole")
        return self.departure.calls

    async def cancelled_at(self, call: int) -> None:
        """The caller is cancelled as this call leaves, and the tenant is converged once more."""
        await self.prepared()
        async with self.connected(self.desired) as fleet:
            caller = asyncio.create_task(self.converge(fleet, "cancelled"))
            second = self.way.again_and_again
            self.departure.expect(call, lambda: again_and_again(caller) if second else caller.cancel())
            with suppress(asyncio.CancelledError):
                await caller
            assert caller.cancelled() or call > self.departure.calls
            if not second:
                self.check_traces()
        self.check_traces()
        await self._next_call()

    def check_traces(self) -> None:
        """Every write has its outcome, the journal its end, and the registry says where the project is."""
        path = self.folder / "cancelled.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = [json.loads(line) for line in text.splitlines()]
        told = {line["request_id"]: line["result"] for line in lines if line["line"] == "outcome"}
        meant = [line["request_id"] for line in lines if line["line"] == "intent"]
        assert sorted(told) == sorted(meant)
        assert set(told.values()) <= {"applied", "not sent"}
        assert not lines or lines[-1]["line"] == "end"
        projects = self.projects()
        assert len(projects) <= 1
        if self.way.registry:
            assert [row[0] for row in self.rows()] == projects

    def projects(self) -> list[str]:
        """Ids of what is live."""
        return [row["id"] for row in Stored.of(self.neon.simulator).rows("projects")]

    def rows(self) -> list[tuple[str | None]]:
        """What the registry says."""
        assert self.desired.registry is not None
        registry = open_registry(self.desired.registry, Environment({}), fleet="prod")
        try:
            return [(row.project_id,) for row in registry.rows().values()]
        finally:
            registry.close()

    async def _next_call(self) -> None:
        """The tenant has its one project and its string, a moment later."""
        async with self.connected(self.desired) as fleet:
            converged = await self.converge(fleet, "next")
            assert {outcome.result for outcome in converged.report.outcomes} <= {Result.APPLIED}
            assert (converged.planned.plan.conflicts, converged.planned.plan.refusals) == ((), ())
            later = (await fleet.connection_string("acme")).reveal()
            assert len(self.projects()) == 1
            handed_out = converged.connections.get("acme")
            assert handed_out is None or handed_out.pooled.reveal() == later
            assert later.startswith("postgresql://neondb_owner:")
            assert (await fleet.plan()).plan.empty
        assert self.neon.calls().count("POST /projects") == 1


def again_and_again(caller: asyncio.Task[Any]) -> None:
    """Cancels it now, and at each turn of the loop until it has ended."""
    if not caller.done():
        caller.cancel()
        asyncio.get_running_loop().call_soon(again_and_again, caller)


def on_a_scene(folder: Path, way: Way, use: Callable[[Scene], Coroutine[Any, Any, T]]) -> T:
    """What comes of it on an account whose searches lag."""
    folder.mkdir()
    with world(behaviour=Behaviour(list_lag_seconds=5.0), latency=SLOW) as neon:
        return neon.run(use(Scene(neon, folder, way)))


@pytest.mark.drawn(2)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_nothing_is_lost_whenever_its_caller_is_cancelled(tmp_path: Path, way: Way) -> None:
    if way.registry:
        required()
    calls = on_a_scene(tmp_path / "whole", way, Scene.undisturbed)
    assert calls >= AT_LEAST
    for call in range(1, calls + 1):
        on_a_scene(tmp_path / f"at-{call}", way, lambda scene, call=call: scene.cancelled_at(call))  # type: ignore[misc]


def test_a_claim_is_given_back_where_its_post_only_waited_for_its_turn(tmp_path: Path) -> None:
    """At thirty calls a minute: the caller leaves half a second after the last search was sent."""
    required()

    claimed: list[tuple[str | None]] = []

    async def leave(scene: Scene) -> None:
        def leaving(caller: asyncio.Task[Converged]) -> None:
            claimed.extend(scene.rows())
            caller.cancel()

        scene.desired = replace(scene.desired, api=replace(scene.desired.api, requests_per_minute=SLOWLY))
        async with scene.connected(scene.desired) as fleet:
            caller = asyncio.create_task(scene.converge(fleet, "cancelled"))
            loop = asyncio.get_running_loop()
            scene.departure.expect(2, lambda: loop.call_later(0.5, leaving, caller))
            with pytest.raises(asyncio.CancelledError):
                await caller
            scene.check_traces()
        assert scene.neon.writes() == []

    way = Way(registry=True, single_writer=False, upgrade=False, again_and_again=False)
    on_a_scene(tmp_path / "claimed", way, leave)
    assert claimed == [(None,)]
