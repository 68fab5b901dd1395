"""What a tenant has used, from whatever was read of its project."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import Policy
from reconciler.desired.selection import Depth, Selection
from reconciler.live.consumption import Metered
from reconciler.live.project import Needs
from reconciler.live.state import LiveState
from reconciler.model.quota import Consumption, Quota
from reconciler.model.values import replace
from reconciler.usage.evaluate import Evaluation
from reconciler.usage.gaps import notes
from reconciler.usage.period import period_of
from tests.harness.builders import (
    DAY,
    FREE,
    FREE_QUOTA,
    FREE_TIER,
    GIB,
    HOUR,
    MIB,
    NOON,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
)

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject
    from reconciler.usage.usage import QuotaUsage, TenantUsage

EVERYBODY = Selection()
PERIOD = period_of(NOON)
OLD = NOON - timedelta(days=100)


def a_listed(**fields: Any) -> LiveProject:
    """A project as a list shows it, at work in this period."""
    shown = {"listed_active_seconds": HOUR, "last_active_at": NOON, "created_at": OLD, "storage_bytes": MIB}
    return a_project(details=False, **{**shown, **fields})


def an_evaluation(**fields: Any) -> Evaluation:
    desired = fields.pop("desired", a_fleet(a_tenant("acme")))
    return Evaluation(desired, NOON, PERIOD, **fields)


def usage_of(project: LiveProject, **fields: Any) -> TenantUsage:
    (tenant,) = an_evaluation(**fields).tenants(LiveState((project,)), EVERYBODY)
    return tenant


def quota_of(project: LiveProject, quota: str, **fields: Any) -> QuotaUsage:
    return next(one for one in usage_of(project, **fields).quotas if one.quota == f"quota.{quota}")


def test_the_counters_of_the_single_project_come_first() -> None:
    project = a_listed(consumption=Consumption(90 * HOUR, 7, 8, 9), listed_active_seconds=1)
    told = quota_of(project, "active_time_seconds")
    assert (told.used, told.at_most, told.percent, told.threshold) == (90 * HOUR, False, 90.0, 80)
    assert quota_of(project, "written_data_bytes").used == 8


def test_a_list_shows_the_active_time_at_most() -> None:
    told = quota_of(a_listed(listed_active_seconds=96 * HOUR), "active_time_seconds")
    assert (told.used, told.at_most, told.threshold) == (96 * HOUR, True, 95)


def test_the_history_tells_compute_time_and_transfer_and_leaves_written_data_open() -> None:
    project = a_listed(quota=Quota(1, 100, 100, 100, 100))
    seen = {"histories": {project.id: Metered(compute_unit_seconds=3, public_transfer_bytes=5)}}
    asked: dict[str, Any] = {"metered": frozenset({project.id}), **seen}
    assert quota_of(project, "compute_time_seconds", **asked).used == 3
    assert quota_of(project, "data_transfer_bytes", **asked).used == 5
    assert quota_of(project, "written_data_bytes", **asked).used is None


def test_a_project_that_the_history_leaves_out_has_consumed_nothing() -> None:
    project = a_listed()
    assert quota_of(project, "data_transfer_bytes", metered=frozenset({project.id})).used == 0


def test_what_nobody_has_read_is_not_known() -> None:
    told = quota_of(a_listed(), "data_transfer_bytes")
    assert (told.used, told.limit, told.percent) == (None, 5 * GIB, None)


@pytest.mark.parametrize(
    "fields",
    [{"listed_active_seconds": 0}, {"last_active_at": PERIOD.start - timedelta(hours=2)}],
    ids=["not active", "active before the period"],
)
def test_a_project_that_has_not_run_in_the_period_has_consumed_nothing(fields: dict[str, Any]) -> None:
    project = a_listed(**fields)
    found = [quota_of(project, quota).used for quota in ("active_time_seconds", "data_transfer_bytes")]
    assert found == [0, 0]


def test_the_size_is_that_of_the_largest_branch_where_branches_were_read() -> None:
    branches = (a_branch(logical_size_bytes=500 * MIB), a_branch(id="br-2", logical_size_bytes=20 * MIB))
    told = quota_of(a_listed(branches=branches, storage_bytes=2 * GIB), "logical_size_bytes")
    assert (told.used, told.at_most, told.threshold) == (500 * MIB, False, 95)


def test_the_size_is_at_most_what_the_project_stores() -> None:
    told = quota_of(a_listed(storage_bytes=100 * MIB), "logical_size_bytes")
    assert (told.used, told.at_most, told.reached_on) == (100 * MIB, True, None)


def test_a_quota_of_the_period_that_is_reached_suspends_the_tenant() -> None:
    tenant = usage_of(a_listed(consumption=Consumption(100 * HOUR, 0, 0, 0)))
    assert (tenant.suspended, tenant.writes_fail, tenant.threshold) == (True, False, 95)


def test_a_size_that_is_reached_stops_writes_only() -> None:
    tenant = usage_of(a_listed(branches=(a_branch(logical_size_bytes=512 * MIB),)))
    assert (tenant.suspended, tenant.writes_fail) == (False, True)


def test_a_tier_may_state_other_thresholds() -> None:
    desired = a_fleet(a_tenant("acme"), tiers=(replace(FREE_TIER, usage_thresholds=(50,)), PRO_TIER))
    project = a_listed(consumption=Consumption(60 * HOUR, 0, 0, 0))
    assert quota_of(project, "active_time_seconds", desired=desired).threshold == 50
    assert quota_of(project, "active_time_seconds").threshold is None


def test_a_threshold_of_the_command_replaces_those_of_the_tiers() -> None:
    project = a_listed(consumption=Consumption(99 * HOUR, 0, 0, 0))
    assert quota_of(project, "active_time_seconds", above=60).threshold == 60


def test_the_forecast_goes_on_from_the_period_so_far_or_from_the_creation_in_it() -> None:
    half = Consumption(50 * HOUR, 0, 0, 0)
    young = a_listed(consumption=half, created_at=NOON - timedelta(days=2))
    assert quota_of(a_listed(consumption=half), "active_time_seconds").reached_on == date(2030, 5, 8)
    assert quota_of(young, "active_time_seconds").reached_on == date(2030, 5, 6)


@pytest.mark.parametrize(("days", "idle"), [(59, False), (60, True)])
def test_a_tenant_is_idle_after_the_time_that_the_files_state(days: int, idle: bool) -> None:
    desired = a_fleet(a_tenant("acme"), policy=Policy(idle_seconds=60 * DAY))
    project = a_listed(last_active_at=NOON - timedelta(days=days))
    assert usage_of(project, desired=desired).idle is idle
    assert not usage_of(project).idle


def test_a_tenant_that_never_ran_is_idle_since_its_creation() -> None:
    desired = a_fleet(a_tenant("acme"), policy=Policy(idle_seconds=60 * DAY))
    assert usage_of(a_listed(last_active_at=None), desired=desired).idle


def test_what_may_be_less_is_read_once_more_before_it_counts() -> None:
    full = a_listed(listed_active_seconds=81 * HOUR, storage_bytes=500 * MIB)
    on_course = a_listed(id="p-bob", name="myapp-bob", listed_active_seconds=50 * HOUR)
    calm = a_listed(id="p-eve", name="myapp-eve", listed_active_seconds=HOUR)
    desired = a_fleet(*map(a_tenant, ("acme", "bob", "eve")))
    live = LiveState((full, on_course, calm))
    needs = an_evaluation(desired=desired).unconfirmed(live, EVERYBODY)
    assert needs == Needs(projects=("p-acme", "p-bob"), branches=("p-acme",))


def test_the_room_in_an_organization_follows_from_its_limit() -> None:
    limits = replace(FREE.limits, projects=10)
    desired = a_fleet(organizations=(replace(FREE, limits=limits),), tiers=(FREE_TIER,))
    (room,) = an_evaluation(desired=desired).organizations(LiveState(listed={"free": 8}))
    assert (room.projects, room.limit, room.percent, room.threshold) == (8, 10, 80.0, 80)


def test_a_tenant_that_its_file_suspends_crosses_no_threshold_and_says_why() -> None:
    suspended = replace(a_tenant("acme"), suspended=True, reason="payment is overdue")
    project = a_listed(quota=FREE_QUOTA.off(), listed_active_seconds=90 * HOUR)
    told = usage_of(project, desired=a_fleet(suspended), above=1)
    assert (told.suspended_by_file, told.switched_off, told.suspended) == ("payment is overdue", True, True)
    assert told.threshold is None
    assert {quota.reached_on for quota in told.quotas} == {None}
    assert an_evaluation(desired=a_fleet(suspended)).unconfirmed(LiveState((project,)), EVERYBODY) == Needs()


@pytest.mark.parametrize(("off", "told"), [(True, 0), (False, 1)])
def test_a_suspension_that_is_not_in_force_is_noted(off: bool, told: int) -> None:
    suspended = replace(a_tenant("acme"), suspended=True, reason="payment is overdue")
    project = a_listed(quota=FREE_QUOTA.off() if off else FREE_QUOTA, listed_active_seconds=0)
    tenant = usage_of(project, desired=a_fleet(suspended))
    found = [note.message for note in notes((tenant,), (), Depth.DECLARED)]
    assert found == ["its file suspends it, but it is not suspended yet: run reconciler plan to see why"] * told
