"""Tenants whose turn comes long after the look: whatever changed meanwhile is not put back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply.stop import StopSignal
from reconciler.desired.tenant import Overrides
from reconciler.desired.tier import Tier
from reconciler.fleet import Fleet, Request, Run
from reconciler.live.project import Compute
from reconciler.plan import rests_on
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.plan.rests_on import FRESH_SECONDS
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.faults import AnswerWith
from tests.builders import DAY, FREE_TIER, GIB, HERE, PRO_COMPUTE, PRO_QUOTA, PRO_TIER, a_fleet, a_tenant
from tests.unit.apply.plans import a_plan, branched, make, mend, seeded, seen, take
from tests.unit.apply.world import World, now, virtually

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    import httpx

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.neon.client import Neon
    from reconciler.plan.plan import Plan
    from tests.unit.apply.world import Applied

LATE = FRESH_SECONDS + 1
LONG_AGO = -LATE
"""When a look began whose plan is carried out at the beginning of the loop's time."""

SCALE_QUOTA = replace(PRO_QUOTA, active_time_seconds=0, logical_size_bytes=100 * GIB)
SCALE = Tier("scale", "paid", HERE, quota=SCALE_QUOTA, compute=PRO_COMPUTE, restore_window_seconds=7 * DAY)
RAISED = replace(PRO_TIER, quota=replace(PRO_QUOTA, data_transfer_bytes=60 * GIB))
PRO = a_fleet(a_tenant("acme", "pro"))
NEW_PRICES = a_fleet(a_tenant("acme", "pro"), tiers=(RAISED, SCALE))
FREE = a_fleet(a_tenant("acme"))
LARGER = a_fleet(a_tenant("acme", overrides=Overrides(compute=Compute(max_cu=1))))


def plan_of(folder: Path, before: DesiredState, after: DesiredState) -> tuple[World, Plan]:
    """An account in the one state, and the plan that leads to the other."""

    async def main() -> tuple[World, Plan]:
        world = World.open(folder)
        world.seed(before)
        plan = await world.plan(after)
        return world, plan

    return virtually(main())


def applied_late(
    world: World, plan: Plan, change: Callable[[Neon, LiveProject], Coroutine[Any, Any, object]] | None = None
) -> Applied:
    """The plan carried out when its look is long past, and after somebody else's ``change`` of acme's project."""

    async def main() -> Applied:
        project = next(tenant.project for tenant in plan.tenants if tenant.project)
        async with world.client() as neon:
            if change is not None:
                await change(neon, project)
        world.forget()
        return await world.apply(FREE, plan=plan, looked_at=LONG_AGO)

    return virtually(main())


async def paid_for_more(neon: Neon, project: LiveProject) -> None:
    """What a checkout for tier scale does in the same organization."""
    await neon.update_project(project.organization, project.id, {"quota.active_time_seconds": 0})


async def resized(neon: Neon, project: LiveProject) -> None:
    """Somebody gives the compute another size in the console."""
    assert project.endpoints
    await neon.update_endpoint(
        project.organization, project.id, project.endpoints[0].id, {"compute.min_cu": 1, "compute.max_cu": 2}
    )


async def renamed(neon: Neon, project: LiveProject) -> None:
    """Somebody gives the project another name in the console."""
    await neon.update_project(project.organization, project.id, {"name": "kept"})


async def moved(neon: Neon, project: LiveProject) -> None:
    """A checkout moves the project."""
    await neon.transfer_projects(project.organization, "paid", [project.id])


async def done_already(neon: Neon, project: LiveProject) -> None:
    """Another run has carried out the same plan."""
    await neon.update_project(project.organization, project.id, {"quota.data_transfer_bytes": 60 * GIB})


def test_a_fleet_run_leaves_a_tenant_alone_that_paid_for_more_while_it_ran(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(PRO)
        async with world.client() as slow, world.client() as quick:
            fleet = Fleet(NEW_PRICES, slow, now=now)
            planned = await fleet.plan()
            await asyncio.sleep(LATE)
            checkout = Fleet(NEW_PRICES, quick, now=now)
            paid = await checkout.converge({"tenant": "acme", "tier": "scale"}, run=Run(journal=tmp_path / "c"))
            assert [outcome.result for outcome in paid.report.outcomes] == [Result.APPLIED]
            report = await fleet.apply(planned, Run(journal=tmp_path / "f"))
        ((action,),) = [outcome.actions for outcome in report.outcomes]
        assert action.result is Result.SKIPPED
        assert action.message == (
            "changed since the plan was made: quota.active_time_seconds, quota.logical_size_bytes"
        )
        assert action.hint == "run again: it is planned afresh"
        quota = (await world.live(PRO))["myapp-acme"].quota
        assert quota is not None
        assert (quota.active_time_seconds, quota.logical_size_bytes) == (0, 100 * GIB)

    virtually(main())


def test_within_a_minute_of_the_look_a_patch_takes_no_other_call(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(PRO)
        async with world.client() as neon:
            fleet = Fleet(NEW_PRICES, neon, now=now)
            planned = await fleet.plan()
            await asyncio.sleep(FRESH_SECONDS - 1)
            world.forget()
            await fleet.apply(planned, Run(journal=tmp_path / "j"))
        assert [exchange.method for exchange in world.simulator.requests] == ["PATCH"]

    virtually(main())


@pytest.mark.parametrize("change", [None, done_already], ids=["nothing", "the same"])
def test_where_nothing_else_changed_a_late_patch_goes_out_after_one_look(tmp_path: Path, change: Any) -> None:
    world, plan = plan_of(tmp_path, PRO, NEW_PRICES)
    applied = applied_late(world, plan, change)
    assert applied.results() == {"acme": Result.APPLIED}
    assert [exchange.method for exchange in world.simulator.requests] == ["GET", "PATCH"]


@pytest.mark.parametrize(
    ("before", "after", "change", "words"),
    [
        pytest.param(PRO, NEW_PRICES, paid_for_more, ": quota.active_time_seconds", id="a companion"),
        pytest.param(FREE, LARGER, resized, ": compute.min_cu of branch main", id="a compute"),
        pytest.param(FREE, LARGER, moved, "in organization free is gone since the plan was made", id="moved"),
        pytest.param(FREE, a_fleet(a_tenant("acme", absent=True)), renamed, ": name", id="to be deleted"),
        pytest.param(FREE, PRO, paid_for_more, ": quota.active_time_seconds", id="to be transferred"),
    ],
)
def test_what_somebody_else_changed_is_not_put_back(
    tmp_path: Path, before: DesiredState, after: DesiredState, change: Any, words: str
) -> None:
    world, plan = plan_of(tmp_path, before, after)
    applied = applied_late(world, plan, change)
    assert applied.results() == {"acme": Result.SKIPPED}
    assert words in applied.message("acme")
    assert world.writes() == []


def test_a_change_that_the_plan_does_not_touch_holds_nothing_up(tmp_path: Path) -> None:
    world, plan = plan_of(tmp_path, PRO, NEW_PRICES)
    assert applied_late(world, plan, renamed).results() == {"acme": Result.APPLIED}


def test_a_tenant_that_cannot_be_looked_at_again_fails_unwritten(tmp_path: Path) -> None:
    world, plan = plan_of(tmp_path, PRO, NEW_PRICES)
    world.simulator.faults.add(AnswerWith(500), "GET", "/projects/*", times=None)
    assert applied_late(world, plan).results() == {"acme": Result.FAILED}
    assert world.writes() == []


def test_a_deletion_of_what_is_gone_is_told_as_ever(tmp_path: Path) -> None:
    async def deleted(neon: Neon, project: LiveProject) -> None:
        await neon.delete_project(project.organization, project.id)

    world, plan = plan_of(tmp_path, FREE, a_fleet(a_tenant("acme", absent=True)))
    assert applied_late(world, plan, deleted).results() == {"acme": Result.APPLIED}


def test_a_list_that_shows_no_quotas_clears_nobody_whose_quota_is_sent(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, Behaviour(rate_limit=None, list_shows_quota=False))
        names = [f"t{number}" for number in range(8)]
        tiers = (replace(FREE_TIER, quota=None), PRO_TIER)
        world.seed(a_fleet(*map(a_tenant, names), tiers=tiers))
        wanted = a_fleet(*(a_tenant(name, "pro") for name in names), tiers=tiers)
        lowering = Permissions(lowering=True, counts={"disruptive": len(names)})
        async with world.client() as neon:
            fleet = Fleet(wanted, neon, now=now)
            planned = await fleet.plan(Request(permissions=lowering))
            assert planned.plan.refusals == ()
            ids = {tenant.tenant: tenant.project.id for tenant in planned.plan.tenants if tenant.project}
            await asyncio.sleep(LATE)
            await neon.update_project("free", ids["t3"], {"quota.active_time_seconds": 3600})
            report = await fleet.apply(planned, Run(journal=tmp_path / "j"))
        skipped = {o.tenant: o.actions[0].message for o in report.outcomes if o.result is not Result.APPLIED}
        assert skipped == {"t3": "changed since the plan was made: quota.active_time_seconds"}

    virtually(main())


MANY = [f"t{number:02}" for number in range(60)]


@pytest.mark.parametrize(
    ("before", "after", "last"),
    [
        pytest.param(a_fleet(*map(a_tenant, MANY)), a_fleet(*(a_tenant(n, "pro") for n in MANY)), 3, id="a move"),
        pytest.param(a_fleet(), a_fleet(*map(a_tenant, MANY)), 3, id="creates"),
        pytest.param(FREE, LARGER, 1, id="the compute of one"),
    ],
)
def test_after_a_signal_nobody_else_is_looked_at(
    tmp_path: Path, before: DesiredState, after: DesiredState, last: int
) -> None:
    world, plan = plan_of(tmp_path, before, after)
    world.forget()
    stop = StopSignal()

    def striking(number: int, _request: httpx.Request) -> None:
        if number == last:
            stop.signal("SIGTERM")

    applied = virtually(world.apply(after, plan=plan, looked_at=LONG_AGO, stop=stop, striking=striking))
    assert len(world.simulator.requests) == last
    for outcome in applied.report.outcomes:
        assert {(a.result, a.message) for a in outcome.actions} == {
            (Result.SKIPPED, "the run was stopped: by SIGTERM")
        }


async def extended(neon: Neon, project: LiveProject, branch: LiveBranch) -> None:
    """Somebody gives the branch a longer life in the console."""
    await neon.update_branch(project.organization, project.id, branch.id, expires_at=now() + timedelta(days=28))


async def under_another_name(neon: Neon, project: LiveProject, branch: LiveBranch) -> None:
    """Somebody renames the branch in the console."""
    await neon.update_branch(project.organization, project.id, branch.id, name="kept")


async def removed(neon: Neon, project: LiveProject, branch: LiveBranch) -> None:
    """Somebody deletes the branch in the console."""
    await neon.delete_branch(project.organization, project.id, branch.id)


async def untouched(_neon: Neon, _project: LiveProject, _branch: LiveBranch) -> None:
    """Nobody does anything."""


@pytest.mark.parametrize(
    ("change", "rename_to", "days", "words"),
    [
        pytest.param(extended, None, 5, "expires_at of branch dev", id="extended"),
        pytest.param(under_another_name, "trial", None, "name of branch dev", id="renamed"),
        pytest.param(removed, None, 5, "branch dev", id="gone"),
        pytest.param(untouched, None, 5, None, id="nothing"),
        pytest.param(under_another_name, None, 5, None, id="a value that is not sent"),
        pytest.param(extended, None, 28, None, id="the same"),
    ],
)
def test_a_branch_that_somebody_else_changed_is_not_set_back(
    tmp_path: Path, change: Any, rename_to: str | None, days: int | None, words: str | None
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        project = await seeded(world)
        id_ = branched(world, project, "dev", expires_at=(now() + timedelta(days=10)).timestamp())
        project = await seen(world)
        expires_at = None if days is None else now() + timedelta(days=days)
        plan = a_plan(project, mend(rename_to=rename_to, expires_at=expires_at))
        (branch,) = [branch for branch in project.branches or () if branch.id == id_]
        async with world.client() as neon:
            await change(neon, project, branch)
        world.forget()
        applied = await world.apply(FREE, plan=plan, looked_at=LONG_AGO)
        looks = [exchange.line for exchange in world.simulator.requests if exchange.method == "GET"]
        assert looks == [f"GET /projects/{project.id}", f"GET /projects/{project.id}/branches"]
        assert [rests_on.looks(tenant) for tenant in plan.tenants] == [len(looks)]
        if words is None:
            assert applied.results() == {"acme": Result.APPLIED}
        else:
            assert applied.results() == {"acme": Result.SKIPPED}
            assert applied.message("acme") == f"changed since the plan was made: {words}"
            assert world.writes() == []

    virtually(main())


def test_what_only_adds_takes_no_other_look(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        plan = a_plan(await seeded(world), make("dev"), take("v1"))
        await world.apply(FREE, plan=plan, looked_at=LONG_AGO)
        reads = [exchange.path for exchange in world.simulator.requests if exchange.method == "GET"]
        assert [path for path in reads if "/operations" not in path] == []
        assert len(world.writes()) == 2

    virtually(main())


def test_tenants_that_move_together_are_looked_at_by_one_list_where_that_takes_fewer_calls(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        names = [f"t{number:03}" for number in range(8)]
        world.seed(a_fleet(*map(a_tenant, names)))
        async with world.client() as neon:
            fleet = Fleet(a_fleet(*(a_tenant(name, "pro") for name in names)), neon, now=now)
            planned = await fleet.plan()
            ids = {tenant.tenant: tenant.project.id for tenant in planned.plan.tenants if tenant.project}
            await asyncio.sleep(LATE)
            await neon.update_project("free", ids["t003"], {"quota.active_time_seconds": 7})
            world.forget()
            report = await fleet.apply(planned, Run(journal=tmp_path / "j"))
        skipped = [outcome.tenant for outcome in report.outcomes if outcome.result is not Result.APPLIED]
        assert skipped == ["t003"]
        reads = [exchange.path for exchange in world.simulator.requests if exchange.method == "GET"]
        looks = [path for path in reads if "/operations" not in path and not path.endswith("/endpoints")]
        assert looks == ["/users/me/organizations", "/projects", "/projects", f"/projects/{ids['t003']}"]

    virtually(main())
