"""What a plan means for its tenants: how many restart, wake, are suspended, lose history or keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.quota import Consumption
from reconciler.model.values import replace
from reconciler.plan.forecast import Forecast, TierCount
from reconciler.plan.history import History
from reconciler.plan.tenant_tier import tiers
from reconciler.usage.forecast import forecast
from tests.harness.builders import (
    FREE_QUOTA,
    FREE_TIER,
    NOON,
    PRO_COMPUTE,
    PRO_TIER,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject

HOUR = 3600
RAISED = replace(PRO_TIER, compute=replace(PRO_COMPUTE, max_cu=9))


def of(before: DesiredState, after: DesiredState, *projects: LiveProject) -> Forecast:
    """The forecast of everything that a change of the files asks for."""
    history = History(before)
    plan = make_plan(after, a_view(*projects), history=history)
    found = forecast(plan.tenants, tiers(plan, after, history), after.at(NOON))
    assert found is not None
    return found


def test_a_compute_that_runs_restarts_and_an_idle_one_wakes() -> None:
    tenants = [a_tenant(name, "pro") for name in ("ada", "bob", "cyd")]
    idle = an_endpoint("p-cyd", PRO_COMPUTE, active=False)
    projects = (*map(a_pro_project, ("ada", "bob")), replace(a_pro_project("cyd"), endpoints=(idle,)))
    told = of(a_fleet(*tenants), a_fleet(*tenants, tiers=(FREE_TIER, RAISED)), *projects)
    assert (told.tenants, told.restarting, told.waking) == (3, 2, 1)
    assert told.tiers == (TierCount("pro", "pro", 3),)


def test_tiers_are_counted_before_and_after() -> None:
    before = a_fleet(a_tenant("ada"), a_tenant("bob"), a_tenant("cyd", "pro"), a_tenant("dot"))
    after = a_fleet(
        a_tenant("ada", "pro"),
        a_tenant("bob", "pro"),
        a_tenant("cyd", "free"),
        a_tenant("dot", absent=True),
        a_tenant("eve"),
    )
    told = of(before, after, *map(a_project, ("ada", "bob", "dot")), a_pro_project("cyd"))
    assert told.tiers == (
        TierCount("free", "pro", 2),
        TierCount(None, "free", 1),
        TierCount("free", None, 1),
        TierCount("pro", "free", 1),
    )
    assert (told.losing_history, told.losing_keys) == (1, 3)


def test_usage_of_today_is_that_of_the_period_and_a_list_tells_the_most() -> None:
    read = {"ada": 100, "bob": 85, "cyd": 10}
    projects = [
        a_project(name, quota=FREE_QUOTA, consumption=Consumption(hours * HOUR, 0, 0, 0))
        for name, hours in read.items()
    ]
    listed = [a_project("dot", details=False, listed_active_seconds=90 * HOUR)]
    wider = replace(FREE_TIER, quota=replace(FREE_QUOTA, active_time_seconds=200 * HOUR))
    tenants = [a_tenant(name) for name in (*read, "dot")]
    told = of(a_fleet(*tenants), a_fleet(*tenants, tiers=(wider, PRO_TIER)), *projects, *listed)
    assert FREE_QUOTA.active_time_seconds == 100 * HOUR
    assert (told.usage_known, told.suspended, told.above) == (3, 1, 1)
    assert (told.usage_listed, told.suspended_at_most, told.above_at_most) == (1, 0, 1)
    assert (told.used_up_after, told.above_after, told.resumed_after) == (0, 0, 1)


def test_without_actions_there_is_no_forecast() -> None:
    assert forecast((), {}, a_fleet()) is None
