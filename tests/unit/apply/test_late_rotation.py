"""A rotation whose calls take long: the tenant is observed again before the old snapshot is deleted.

So it is in every run over a fleet, because turns come late.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.rotation import Rotation
from reconciler.desired.tier import SnapshotMethod, SnapshotPolicy
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.simulator.gateway import Latency
from tests.harness.builders import PRO_TIER, a_fleet, a_tenant
from tests.harness.runs import UNHURRIED, World, now, virtually
from tests.unit.apply.plans import seen

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.plan.outcome import Report

METHODS = pytest.mark.parametrize("method", list(SnapshotMethod), ids=lambda method: method.value)
DAY_SECONDS = 86_400
SLOW = Latency(6, 6)
"""More than ``look_again_after`` passes between two writes."""


def rotating(keep: int, method: SnapshotMethod) -> DesiredState:
    rotation = Rotation("auto-{date}", DAY_SECONDS, keep)
    tier = replace(PRO_TIER, snapshots=SnapshotPolicy(method=method, rotate=rotation))
    return a_fleet(a_tenant("acme", "pro"), tiers=(tier,))


async def rotated(world: World, fleet: DesiredState) -> Report:
    """The report of a scheduled run, at the beginning of a new slot."""
    await asyncio.sleep(DAY_SECONDS)
    async with world.client() as neon:
        door = Fleet(fleet, neon, now=now)
        planned = await door.plan(Request(base=fleet))
        return await door.apply(planned, RunOptions(journal=world.folder / f"{now():%s}.jsonl"))


async def kept(world: World) -> list[str]:
    project = await seen(world)
    names = [one.name for one in project.snapshots or ()] + [one.name for one in project.branches or ()]
    return sorted(name for name in names if name.startswith("auto-"))


@METHODS
@pytest.mark.parametrize("surplus", [1, 4])
def test_the_new_snapshot_of_the_same_run_is_no_reason_to_keep_the_old_one(
    tmp_path: Path, method: SnapshotMethod, surplus: int
) -> None:
    async def main() -> None:
        world = World.open(tmp_path, UNHURRIED, SLOW)
        keep = 2
        world.seed(many := rotating(keep + surplus - 1, method))
        for _ in range(keep + surplus - 1):
            await rotated(world, many)
        before = await kept(world)
        report = await rotated(world, rotating(keep, method))
        assert [one.result for one in report.outcomes[0].actions] == [Result.APPLIED, Result.APPLIED]
        assert await kept(world) == [*before[1:], f"auto-{now():%Y-%m-%d}"]

    virtually(main())
