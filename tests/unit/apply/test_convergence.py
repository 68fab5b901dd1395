"""What the planner asks for of branches and snapshots is carried out, also where a run dies on the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.desired.tier import AtLimit, SnapshotPolicy
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from tests import profiles
from tests.harness.builders import FREE_TIER, PRO_TIER, a_fleet, a_tenant
from tests.harness.runs import World, virtually
from tests.harness.wire import Killed, killed, nth, writes
from tests.unit.apply.plans import branch_names, seen, snapshot_names

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState

REPLACING = replace(FREE_TIER, snapshots=SnapshotPolicy(at_limit=AtLimit.REPLACE_OLDEST))


def acme(tier: str, branches: tuple[str, ...], snapshots: tuple[str, ...]) -> DesiredState:
    """Tenant acme with these; each branch starts from the one before it, and all computes are small."""
    declared = tuple(
        DevBranch(name, parent=parent, compute=Compute(0.25, 1, 300))
        for parent, name in zip((None, *branches), branches, strict=False)
    )
    tenant = a_tenant("acme", tier, dev_branches=declared, snapshots=tuple(map(Snapshot, snapshots)))
    return a_fleet(tenant, tiers=(REPLACING, PRO_TIER))


NEW = acme("free", ("dev", "feature"), ("v1",))
REPLACED = acme("free", ("dev",), ("v2",))
UPGRADED = acme("pro", ("dev", "feature"), ("v2", "v3"))
DOWNGRADED = acme("free", (), ("v3",))
NOBODY = a_fleet(tiers=(REPLACING, PRO_TIER))
STEPS = {
    "create": (NOBODY, NEW),
    "replace": (NEW, REPLACED),
    "upgrade": (REPLACED, UPGRADED),
    "downgrade": (UPGRADED, DOWNGRADED),
}
DEATHS = profiles.size(1, 5, 1000)
"""At so many writes of each step a run dies before, and at so many after; `make nightly` tries all."""
WRITES_AT_LEAST = 3
"""What each step takes; fewer would mean that the test misses something."""


async def converged(world: World, desired: DesiredState) -> None:
    """Fails where anything is left to do, or anything is there twice."""
    plan = await world.plan(desired)
    assert (plan.tenants, plan.refusals, plan.conflicts) == ((), (), ())
    tenant = desired.tenants["acme"]
    assert sorted(await branch_names(world)) == sorted(branch.name for branch in tenant.dev_branches or ())
    assert sorted(await snapshot_names(world)) == sorted(snapshot.name for snapshot in tenant.snapshots or ())


def test_a_tenant_grows_moves_and_shrinks_with_its_files(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        for desired, organization in ((NEW, "free"), (REPLACED, "free"), (UPGRADED, "paid"), (DOWNGRADED, "free")):
            applied = await world.apply(desired)
            assert applied.results() == {"acme": Result.APPLIED}
            await converged(world, desired)
            assert (await seen(world)).organization == organization

    virtually(main())


async def begun(folder: Path, before: DesiredState) -> World:
    world = World.open(folder)
    await world.apply(before)
    await asyncio.sleep(60)
    return world


async def writes_of_a_whole_run(folder: Path, before: DesiredState, after: DesiredState) -> int:
    world = await begun(folder, before)
    earlier = len(world.writes())
    await world.apply(after)
    return len(world.writes()) - earlier


@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_dies_at_any_write_is_repaired_by_the_next(
    tmp_path: Path, step: str, carried_out: bool
) -> None:
    before, after = STEPS[step]

    async def main() -> None:
        count = await writes_of_a_whole_run(tmp_path / "whole", before, after)
        assert count >= WRITES_AT_LEAST
        for write in profiles.drawn(f"deaths {step} {carried_out}", range(1, count + 1), DEATHS):
            world = await begun(tmp_path / str(write), before)
            with pytest.raises(Killed):
                await world.apply(after, act=nth(write, writes, killed(carried_out=carried_out)))
            repair = await world.apply(after)
            assert set(repair.results().values()) <= {Result.APPLIED}, f"after write {write}: {repair.report}"
            await converged(world, after)

    virtually(main())
