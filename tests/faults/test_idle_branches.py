"""A cleanup whose calls fail in every way: the idle branch goes once, and no other branch does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import DevBranch
from reconciler.desired.tier import BranchCleanup, Cleanup, WhenCrowded
from reconciler.model.values import replace
from reconciler.plan.history import History
from tests.harness.builders import FREE, FREE_TIER, PRO_TIER, a_fleet, a_tenant, make_plan
from tests.harness.effects import USUAL
from tests.harness.runs import World, now, virtually
from tests.unit.apply.plans import seen

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState

DAY_SECONDS = 86_400
CALLS = {
    "GET /projects/*/branches": 2,
    "GET /projects/*/endpoints": 2,
    "DELETE /projects/*/branches/*": 2,
    "POST /projects/*/branches": 1,
}
"""How often a run makes each call."""
LIMITED = replace(FREE, limits=replace(FREE.limits, branches=3))
CLEANING = Cleanup(dev_branches=BranchCleanup(2 * DAY_SECONDS, WhenCrowded.OLDEST_IDLE))


def fleet(*of_ben: DevBranch, ann: tuple[DevBranch, ...] | None, cleanup: Cleanup = CLEANING) -> DesiredState:
    tiers = tuple(replace(tier, cleanup=cleanup) for tier in (FREE_TIER, PRO_TIER))
    return a_fleet(
        a_tenant("ann", dev_branches=ann),
        a_tenant("ben", dev_branches=of_ben),
        tiers=tiers,
        organizations=(LIMITED, a_fleet().organizations["paid"]),
    )


KEPT, TRYOUT, NEW = DevBranch("kept"), DevBranch("tryout", disposable=True), DevBranch("new")
BEGUN = fleet(KEPT, TRYOUT, ann=(DevBranch("old"),), cleanup=Cleanup())
"""Before any cleanup: ann has a branch that nobody will declare, and ben has as many as the limit allows."""
AFTER = fleet(KEPT, TRYOUT, NEW, ann=None)
BASE = replace(AFTER, tenants={**AFTER.tenants, "ben": replace(AFTER.tenants["ben"], dev_branches=(KEPT, TRYOUT))})


@pytest.mark.drawn(8, ci=24, each=("how", "call"))
@pytest.mark.parametrize("how", USUAL)
@pytest.mark.parametrize(
    ("call", "nth"), [(call, nth) for call, most in CALLS.items() for nth in range(1, most + 1)]
)
def test_the_idle_ones_go_and_the_next_plan_is_empty(tmp_path: Path, call: str, nth: int, how: str) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(BEGUN)
        await world.apply(BEGUN)
        await asyncio.sleep(3 * DAY_SECONDS)
        fault = world.simulator.faults.add(USUAL[how], *call.split(), first=nth)
        await cleaned(world)
        assert world.simulator.faults.struck(fault) == 1
        await cleaned(world)
        assert await names(world, "myapp-ann") == ["main"]
        assert await names(world, "myapp-ben") == ["kept", "main", "new"]
        plan = make_plan(AFTER, await world.observe(AFTER), now=now(), history=History(BASE))
        assert plan.empty

    virtually(main())


async def cleaned(world: World) -> None:
    plan = make_plan(AFTER, await world.observe(AFTER), now=now(), history=History(BASE))
    if not plan.empty:
        await world.apply(AFTER, plan=plan)


async def names(world: World, name: str) -> list[str]:
    return sorted(branch.name for branch in (await seen(world, name)).branches or ())
