"""A plan says who would be above a threshold, or suspended, after it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.quota import Consumption
from reconciler.model.values import replace
from reconciler.usage.after_plan import Outcome, notes_after, outcomes
from tests.harness.builders import (
    FREE_QUOTA,
    FREE_TIER,
    HOUR,
    MIB,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    make_plan,
)


def notes(used_hours: int, thresholds: tuple[int, ...] = (80, 95), **fields: Any) -> list[str]:
    """After the active time of tier free was lowered from 200 to 100 hours."""
    quota = replace(FREE_QUOTA, active_time_seconds=200 * HOUR, logical_size_bytes=900 * MIB)
    project = a_project(quota=quota, consumption=Consumption(used_hours * HOUR, 0, 0, 0), **fields)
    tier = replace(FREE_TIER, usage_thresholds=thresholds)
    desired = a_fleet(a_tenant("acme"), tiers=(tier, PRO_TIER))
    return [note.message for note in notes_after(make_plan(desired, a_view(project)), desired)]


def test_a_share_above_a_threshold_is_told() -> None:
    assert notes(80) == ["after this plan 80.0% of quota.active_time would be used, 80h of 100h"]


@pytest.mark.parametrize("hours", [100, 150])
def test_a_used_up_quota_is_told_as_a_suspension(hours: int) -> None:
    told = f"after this plan Neon would suspend the tenant: quota.active_time is used up, {hours}h of 100h"
    assert notes(hours) == [told]


def test_a_branch_that_is_too_large_is_told() -> None:
    branches = (a_branch(logical_size_bytes=600 * MIB),)
    told = "after this plan writes would fail: quota.logical_size is used up, 600MiB of 512MiB"
    assert notes(0, branches=branches) == [told]


def test_below_the_thresholds_of_the_tier_nothing_is_told() -> None:
    assert notes(79) == notes(94, thresholds=(95,)) == []


def raised(used_hours: int, before_hours: int, **fields: Any) -> list[str]:
    """After the active time was raised to the 100 hours of tier free. Nothing is read for it."""
    quota = replace(FREE_QUOTA, active_time_seconds=before_hours * HOUR)
    project = a_project(quota=quota, details=False, listed_active_seconds=used_hours * HOUR, **fields)
    desired = a_fleet(a_tenant("acme"))
    return [note.message for note in notes_after(make_plan(desired, a_view(project)), desired)]


def test_of_a_raised_quota_the_list_tells_the_share_at_most() -> None:
    told = "after this plan at most 85.0% of quota.active_time would be used, 85h of 100h"
    assert raised(85, 90) == [told]


def test_who_can_start_again_after_a_plan_is_told() -> None:
    assert raised(50, 40) == ["after this plan its computes can start again: quota.active_time is raised to 100h"]


def test_below_every_threshold_a_raised_quota_is_not_told() -> None:
    assert raised(30, 40) == raised(0, 40) == []


def test_who_stays_suspended_is_told_if_it_is_certain() -> None:
    quota = replace(FREE_QUOTA, active_time_seconds=50 * HOUR)
    project = a_project(quota=quota, consumption=Consumption(120 * HOUR, 0, 0, 0))
    desired = a_fleet(a_tenant("acme"))
    (note,) = notes_after(make_plan(desired, a_view(project)), desired)
    told = "after this plan the tenant would stay suspended: quota.active_time is used up, 120h of 100h"
    assert note.message == told


def test_each_tenant_counts_once_with_the_worst_that_it_meets() -> None:
    quota = replace(FREE_QUOTA, active_time_seconds=200 * HOUR)
    used = {"acme": 85, "bob": 130, "eve": 81, "zoe": 10}
    projects = [
        a_project(name, quota=quota, consumption=Consumption(hours * HOUR, 0, 0, 0))
        for name, hours in used.items()
    ]
    desired = a_fleet(*map(a_tenant, used))
    plan = make_plan(desired, a_view(*projects))
    assert [note.tenant for note in notes_after(plan, desired)] == ["acme", "bob", "eve"]
    assert outcomes(plan.tenants, desired) == {
        "acme": Outcome.NEAR,
        "bob": Outcome.SUSPENDED,
        "eve": Outcome.NEAR,
    }
