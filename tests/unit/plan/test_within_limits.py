"""Values that no file states stay within the limits of the organization, also after a run that died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.selection import Depth, Reach
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.change import Origin
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    DAY,
    FREE_TIER,
    PRO_TIER,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject

TIERS = (replace(FREE_TIER, compute=None, restore_window_seconds=None), PRO_TIER)
FLEET = a_fleet(a_tenant(), tiers=TIERS)
MOVED_BY_A_COMMIT = History(base=a_fleet(a_tenant(tier="pro"), tiers=TIERS))
UNCHANGED = History(base=FLEET)


def with_compute(compute: Compute) -> LiveProject:
    return a_project(compute=compute, endpoints=(an_endpoint(compute=compute),))


@pytest.mark.parametrize(
    ("beyond", "after"),
    [
        (Compute(0.25, 2, 60), {"compute.suspend_timeout_seconds": 300}),
        (Compute(0.25, 2, -1), {"compute.suspend_timeout_seconds": 300}),
        (Compute(0.25, 8, 300), {"compute.max_cu": 2}),
        (Compute(4, 8, 300), {"compute.min_cu": 2, "compute.max_cu": 2}),
    ],
)
def test_what_a_dead_run_left_of_a_compute_is_brought_within_them(
    beyond: Compute, after: dict[str, float]
) -> None:
    plan = make_plan(FLEET, a_view(with_compute(beyond)), history=MOVED_BY_A_COMMIT)
    compute, project = plan.actions
    assert isinstance(compute, PatchEndpoint)
    assert isinstance(project, PatchProject)
    for action in (compute, project):
        assert {change.path: change.after for change in action.changes} == after
        assert {change.origin for change in action.changes} == {Origin.CONFIG}
        assert action.reason == "organization free does not allow the current value"


def test_a_compute_is_brought_within_them_where_its_project_is_already() -> None:
    project = a_project(endpoints=(an_endpoint(compute=Compute(0.25, 2, 60)),))
    (action,) = make_plan(FLEET, a_view(project), history=MOVED_BY_A_COMMIT).actions
    assert isinstance(action, PatchEndpoint)


def test_a_restore_window_is_brought_within_them() -> None:
    plan = make_plan(FLEET, a_view(a_project(restore_window_seconds=7 * DAY)), history=MOVED_BY_A_COMMIT)
    (action,) = plan.actions
    assert {(change.path, change.after, change.lowering) for change in action.changes} == {
        ("restore_window_seconds", DAY, True)
    }


def test_without_a_commit_that_moved_the_tenant_it_is_drift() -> None:
    """A reduction waits for its permission; a longer time until suspension takes nothing."""
    larger, sooner = (a_view(with_compute(beyond)) for beyond in (Compute(0.25, 8, 300), Compute(0.25, 2, 60)))
    held = guarded_plan(FLEET, larger, history=UNCHANGED)
    assert held.empty
    assert {(r.rule, r.asked_for) for r in held.refusals} == {(Rule.LOWERING_NEEDS_A_CAUSE, False)}
    goes = guarded_plan(FLEET, sooner, history=UNCHANGED)
    assert {change.origin for action in goes.actions for change in action.changes} == {Origin.DRIFT}


def test_only_the_concerns_that_the_run_is_about_are_brought_within_them() -> None:
    view = a_view(with_compute(Compute(0.25, 2, 60)))
    assert make_plan(FLEET, view, only=("restore_window",)).empty
    assert not make_plan(FLEET, view, only=("compute",)).empty


def test_what_the_files_state_is_left_to_them() -> None:
    stated = a_fleet(a_tenant(), tiers=(replace(FREE_TIER, compute=Compute(max_cu=1)), PRO_TIER))
    for action in make_plan(stated, a_view(with_compute(Compute(0.25, 8, 60)))).actions:
        assert {change.path: change.after for change in action.changes} == {
            "compute.max_cu": 1,
            "compute.suspend_timeout_seconds": 300,
        }


def test_what_no_list_shows_of_a_tenant_that_is_looked_at_whole_is_asked_for() -> None:
    unread = a_view(a_project(details=False, compute=None, restore_window_seconds=None))
    few = Reach(small_fleet=0)
    assert PlanRequirements(half_done=("acme",), reach=few).details(FLEET, unread).projects == ("p-acme",)
    assert not PlanRequirements(reach=few).details(FLEET, unread).projects


def test_a_list_that_shows_a_value_beyond_them_asks_for_the_computes() -> None:
    shown = a_project(details=False, compute=Compute(0.25, 2, 60))
    assert PlanRequirements(depth=Depth.LIST).details(FLEET, a_view(shown)).endpoints == ("p-acme",)
    within = a_project(details=False)
    assert not PlanRequirements(depth=Depth.LIST).details(FLEET, a_view(within))
