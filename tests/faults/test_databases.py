"""Roles and databases whose calls fail in every way: one run more, and the branches have what the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import Accepted, DevBranch, Reduction
from reconciler.model.database import Database
from reconciler.plan.outcome import Result
from reconciler.simulator.faults import AnswerWith, FailOperations
from tests.harness.builders import a_fleet, a_tenant, make_plan
from tests.harness.effects import USUAL
from tests.harness.runs import World, now, virtually

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.simulator.faults import AnyEffect

EFFECTS: dict[str, AnyEffect] = {**USUAL, "400": AnswerWith(400), "operations fail": FailOperations()}
ROLES, DATABASES = "/projects/*/branches/*/roles", "/projects/*/branches/*/databases"
CALLS = {
    f"GET {ROLES}": 2,
    f"GET {DATABASES}": 2,
    f"POST {ROLES}": 2,
    f"POST {DATABASES}": 2,
    f"PATCH {DATABASES}/*": 1,
    f"DELETE {DATABASES}/*": 1,
    f"DELETE {ROLES}/*": 1,
}
"""How often a run makes each call, at least."""
FIRST, APP, LEGACY = Database("neondb", "neondb_owner"), Database("app", "app"), Database("legacy", "old")
DEV = DevBranch("dev", roles=("tester",), databases=(Database("scratch", "tester"),))
BEFORE = a_fleet(
    a_tenant("ann", roles=("old", "app"), databases=(LEGACY, Database("app", "old"))),
    a_tenant("ben"),
)
AFTER = a_fleet(
    a_tenant(
        "ann",
        roles=("app", "new"),
        databases=(APP, Database("fresh", "new")),
        dev_branches=(DEV,),
        accept=Accepted(deletion=(Reduction("databases.legacy", "absent"), Reduction("roles.old", "absent"))),
    ),
    a_tenant("ben"),
)


async def run(world: World, base: DesiredState) -> Result:
    """One run of ``AFTER``; ben is never changed."""
    plan = make_plan(AFTER, await world.observe(AFTER), now=now(), base=base)
    assert {tenant.tenant for tenant in plan.tenants} <= {"ann"}
    applied = await world.apply(AFTER, plan=plan)
    return applied.result("ann") if plan.tenants else Result.UNCHANGED


async def contents(world: World) -> dict[str, tuple[tuple[str, ...], tuple[Database, ...]]]:
    async with world.client() as neon:
        (project,) = await neon.named("free", "myapp-ann")
        key = ("free", project.id)
        branches = await neon.branches(*key)
        return {one.name: (await neon.roles(*key, one.id), await neon.databases(*key, one.id)) for one in branches}


@pytest.mark.drawn(8, ci=50, each=("how", "call"))
@pytest.mark.parametrize("how", EFFECTS)
@pytest.mark.parametrize(
    ("call", "nth"), [(call, nth + 1) for call, times in CALLS.items() for nth in range(times)]
)
def test_a_call_that_fails_costs_one_run_more_at_most(tmp_path: Path, call: str, nth: int, how: str) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(a_fleet(a_tenant("ann"), a_tenant("ben")))
        await world.apply(BEFORE)
        world.simulator.faults.add(EFFECTS[how], *call.split(" "), first=nth, times=1)
        await run(world, BEFORE)
        for _ in range(2):  # a failed read, and a failed write
            await run(world, BEFORE)
        assert await run(world, BEFORE) is Result.UNCHANGED
        own = ("app", "neondb_owner", "new")
        lists = (APP, Database("fresh", "new"), FIRST)
        found = await contents(world)
        assert found["main"] == (own, lists)
        roles, databases = found["dev"]
        assert {"tester", "app", "new"} <= {*roles}
        assert {Database("scratch", "tester"), APP} <= {*databases}

    virtually(main())
