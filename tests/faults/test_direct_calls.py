"""Calls that take the short way to the simulator come to the same as those over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from tests.faults.direct_calls import answered, direct_client
from tests.harness.builders import DAY, HISTORY_MAY_GO, a_fleet, a_tenant
from tests.harness.runs import World, now, virtually
from tests.property.rows import Rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from reconciler.neon.answers import Answer, Exchange
    from reconciler.neon.client import Neon

Way: TypeAlias = "Callable[[World], AbstractAsyncContextManager[Neon]]"
ENOUGH = Permissions(counts=dict.fromkeys(("deletes", "transfers", "disruptive"), 9))
BRANCHES = (DevBranch("feature"),)
BEFORE = a_fleet(a_tenant("amber"), a_tenant("birch", "pro"), a_tenant("cedar"))
AFTER = a_fleet(
    a_tenant("amber", "pro", dev_branches=BRANCHES, snapshots=(Snapshot("v1"),)),
    replace(a_tenant("birch"), accept=HISTORY_MAY_GO),
    replace(a_tenant("cedar"), absent=True),
    a_tenant("dogwood", dev_branches=BRANCHES),
)


@asynccontextmanager
async def over_http(world: World) -> AsyncIterator[Neon]:
    async with world.client() as neon:
        yield neon


@asynccontextmanager
async def directly(world: World) -> AsyncIterator[Neon]:
    async def carry(exchange: Exchange) -> Answer:
        return answered(world.simulator.world, exchange)

    async with direct_client(world.simulator.organization_ids, carry, Random(1)) as neon:  # noqa: S311
        yield neon


async def _end(folder: Path, way: Way) -> tuple[list[str], list[str]]:
    """What is there in the end, and how each tenant ended."""
    world = World.open(folder)
    world.seed(BEFORE)
    await asyncio.sleep(DAY)
    async with way(world) as neon:
        fleet = Fleet(AFTER, neon, now=now)
        planned = await fleet.plan(Request(base=BEFORE, permissions=ENOUGH))
        report = await fleet.apply(planned, RunOptions(id="run", journal=folder / "run.jsonl"))
    return Rows.of(world.simulator).end_state(), [f"{each.tenant} {each.result}" for each in report.outcomes]


def test_an_apply_ends_the_same(tmp_path: Path) -> None:
    end, results = virtually(_end(tmp_path / "http", over_http))
    assert (end, results) == virtually(_end(tmp_path / "direct", directly))
    assert results == [f"{tenant} {Result.APPLIED}" for tenant in ("amber", "birch", "cedar", "dogwood")]
