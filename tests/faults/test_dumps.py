"""A deletion with a dump before it, whose calls fail in every way: no project goes without its dump."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec import field

from reconciler.apply.dumps.dumps import Dumps
from reconciler.errors import DumpError
from reconciler.model.values import replace
from reconciler.plan.history import History
from reconciler.plan.outcome import Result
from reconciler.simulator.faults import AnswerWith
from tests.harness.builders import a_fleet, a_tenant, make_plan
from tests.harness.effects import USUAL
from tests.harness.runs import World, now, virtually

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.neon.connection import Connection
    from reconciler.simulator.faults import AnyEffect

EFFECTS: dict[str, AnyEffect] = {**USUAL, "403": AnswerWith(403), "404": AnswerWith(404)}
CALLS = [
    "GET /projects/*/branches",
    "GET /projects/*/branches/*/databases",
    "GET /projects/*/connection_uri",
    "DELETE /projects/*",
]
BEFORE = a_fleet(a_tenant("ann"), a_tenant("ben"))
AFTER = replace(BEFORE, tenants={name: replace(tenant, absent=True) for name, tenant in BEFORE.tenants.items()})


class Written(Dumps, frozen=True):
    """Keeps the names of what would be dumped."""

    names: list[str] = field(default_factory=list)
    fails_for: str = ""

    async def write(self, tenant: str, server: int, connections: Sequence[Connection]) -> str:
        assert server
        if tenant == self.fails_for:
            raise DumpError("no room")
        self.names.append(tenant)
        return ", ".join(connection.database for connection in connections)


async def deleted(world: World, dumps: Dumps) -> dict[str, Result]:
    plan = make_plan(AFTER, await world.observe(AFTER), now=now(), history=History(BEFORE))
    return (await world.apply(AFTER, plan=plan, dumps=dumps)).results()


@pytest.mark.drawn(8, ci=18, each=("how", "call"))
@pytest.mark.parametrize("how", EFFECTS)
@pytest.mark.parametrize("call", CALLS)
def test_no_project_goes_without_its_dump(tmp_path: Path, call: str, how: str) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(BEFORE)
        plan = make_plan(AFTER, await world.observe(AFTER), now=now(), history=History(BEFORE))
        dumps = Written(tmp_path, programs=())
        fault = world.simulator.faults.add(EFFECTS[how], *call.split())
        results = (await world.apply(AFTER, plan=plan, dumps=dumps)).results()
        assert world.simulator.faults.struck(fault) == 1
        gone = {"ann", "ben"} - {name.removeprefix("myapp-") for name in await world.live(AFTER)}
        assert gone <= set(dumps.names)
        assert all(results[name] is Result.APPLIED for name in gone)
        await asyncio.sleep(60)
        await deleted(world, dumps)
        assert await world.live(AFTER) == {}
        assert set(dumps.names) == {"ann", "ben"}

    virtually(main())


def test_a_dump_that_fails_holds_back_that_deletion_alone(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(BEFORE)
        results = await deleted(world, Written(tmp_path, programs=(), fails_for="ann"))
        assert results == {"ann": Result.FAILED, "ben": Result.APPLIED}
        assert set(await world.live(AFTER)) == {"myapp-ann"}

    virtually(main())
