"""A rotation whose calls fail in every way: one snapshot for the slot, and no other snapshot goes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.rotation import Rotation
from reconciler.desired.tenant import Snapshot
from reconciler.desired.tier import SnapshotPolicy
from reconciler.model.values import replace
from tests.harness.builders import FREE_TIER, PRO_TIER, a_fleet, a_tenant
from tests.harness.effects import USUAL
from tests.harness.runs import World, now, virtually
from tests.unit.apply.plans import seen
from tests.unit.apply.test_replacements import set_window

if TYPE_CHECKING:
    from pathlib import Path


DAILY = Rotation("auto-{date}", 86_400, 1)
DAY_SECONDS = 86_400.0
TAKE = ("POST", "/projects/*/branches/*/snapshot")
REMOVE = ("DELETE", "/projects/*/snapshots/*")
FLEET = a_fleet(
    a_tenant("ann"),
    a_tenant("ben", "pro"),
    tiers=tuple(replace(tier, snapshots=SnapshotPolicy(rotate=DAILY)) for tier in (FREE_TIER, PRO_TIER)),
)


@pytest.mark.drawn(7, ci=14, each=("how", "call"))
@pytest.mark.parametrize("how", USUAL)
@pytest.mark.parametrize("call", [TAKE, REMOVE], ids=["take", "remove"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_day_of_a_rotation_ends_with_one_snapshot(
    tmp_path: Path, call: tuple[str, str], nth: int, how: str
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(FLEET)
        await asyncio.sleep(DAY_SECONDS)
        await world.apply(FLEET)
        await by_hand(world, "myapp-ben")
        await asyncio.sleep(DAY_SECONDS)
        fault = world.simulator.faults.add(USUAL[how], *call, first=nth)
        await world.apply(FLEET)
        assert world.simulator.faults.struck(fault) == 1
        today = DAILY.named(DAILY.slot(now()))
        await world.apply(FLEET)
        await world.converged(FLEET)
        assert await names(world, "myapp-ann") == [today]
        assert await names(world, "myapp-ben") == ["mine", today]

    virtually(main())


def test_a_moment_that_neon_refuses_in_every_run_holds_no_rotated_snapshot_back(tmp_path: Path) -> None:
    """As after a run that died right after it had raised the window."""

    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(FLEET)
        await asyncio.sleep(3 * DAY_SECONDS)
        project = await seen(world, "myapp-ben")
        for seconds in (3600, 7 * 86_400):
            await set_window(world, project, seconds)
        at = now() - timedelta(days=2)
        declared = replace(FLEET.tenants["ben"], snapshots=(Snapshot("v1", at=at),))
        fleet = replace(FLEET, tenants={**FLEET.tenants, "ben": declared})
        for _ in range(2):
            run = await world.apply(fleet)
            assert "is outside the restore window" in run.message("ben")
            assert await names(world, "myapp-ben") == [DAILY.named(DAILY.slot(now()))]
            await asyncio.sleep(DAY_SECONDS)

    virtually(main())


async def by_hand(world: World, name: str) -> None:
    project = await seen(world, name)
    assert project.default_branch
    async with world.client() as neon:
        await neon.create_snapshot(
            project.organization, project.id, project.default_branch.id, name="mine", at=None, expires_at=None
        )


async def names(world: World, name: str) -> list[str]:
    return sorted((snapshot.name for snapshot in (await seen(world, name)).snapshots or ()), key=len)
