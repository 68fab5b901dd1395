"""Recoveries: only what a file names, only what can come back, and never a new project in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.naming import Naming
from reconciler.desired.policy import DriftPolicy, Policy, Threshold, Thresholds
from reconciler.desired.selection import Selection
from reconciler.live.state import UnknownProject
from reconciler.model.values import replace
from reconciler.plan.actions.project import CreateProject, RecoverProject
from reconciler.plan.change import Origin, Risk
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE,
    NOON,
    PAID,
    a_deleted,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import DeletedProject, LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Conflict, Plan

OLD = "p-old"


def gone(days_left: int = 6, **fields: Any) -> DeletedProject:
    return a_deleted(a_project("acme", id=OLD, **fields), days_left)


def view(*projects: LiveProject, deleted: tuple[DeletedProject, ...] = (gone(),), **fields: Any) -> LiveState:
    return a_view(*projects, deleted={"free": deleted, "paid": ()}, **fields)


def back(**fields: Any) -> Tenant:
    return a_tenant("acme", recover=OLD, **fields)


def conflict(tenant: Tenant, live: LiveState) -> Conflict:
    plan = make_plan(a_fleet(tenant), live)
    assert not plan.tenants
    return plan.conflicts[0]


def refused(plan: Plan, rule: Rule) -> bool:
    return not plan.tenants and [refusal.rule for refusal in plan.refusals] == [rule]


def test_a_deleted_project_that_the_file_names_comes_back_by_one_call_of_its_own() -> None:
    (planned,) = make_plan(a_fleet(back(tier="pro")), view()).tenants
    (action,) = planned.actions
    assert isinstance(action, RecoverProject)
    assert (action.project_id, action.recoverable_until) == (OLD, gone().recoverable_until)
    assert (action.reason, action.risk, action.lowering) == (f"recover: {OLD}", Risk.SAFE, False)
    assert planned.project == gone().project


def test_the_plan_says_that_what_differs_then_is_planned_by_the_next_run() -> None:
    (note,) = make_plan(a_fleet(back()), view()).notes
    assert (note.tenant, "the next run plans what differs" in note.message) == ("acme", True)


@pytest.mark.parametrize(
    ("base", "origin"),
    [(None, Origin.UNKNOWN), (a_tenant("acme"), Origin.CONFIG), (back(), Origin.DRIFT)],
)
def test_a_recovery_is_the_files_doing_where_they_did_not_ask_for_it_before(
    base: Tenant | None, origin: Origin
) -> None:
    before = None if base is None else a_fleet(base)
    plan = make_plan(a_fleet(back()), view(), base=before)
    assert plan.tenants[0].actions[0].changes[0].origin is origin


def test_a_tenant_that_waits_for_its_deleted_project_is_not_missing_one() -> None:
    unlisted = a_view(listed=False, deleted={"free": (gone(),), "paid": ()})
    assert len(make_plan(a_fleet(back()), unlisted).notes) == 1
    assert make_plan(a_fleet(back()), unlisted, only=("quota",)).coverage.missing == 0


def test_once_it_is_live_the_line_asks_for_nothing() -> None:
    assert make_plan(a_fleet(back()), view(a_project("acme", id=OLD), deleted=())).tenants == ()


def test_once_it_is_live_the_rest_of_the_file_counts_as_always() -> None:
    live = view(a_project("acme", id=OLD), deleted=())
    (planned,) = make_plan(a_fleet(back(tier="pro")), live).tenants
    assert [action.kind for action in planned.actions] == ["transfer_project", "patch_endpoint", "patch_project"]


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (view(deleted=()), "neither live nor recoverable"),
        (view(deleted=(gone(0),)), "could only be recovered until"),
        (view(deleted=(gone(name="myapp-zoe"),)), "had the name 'myapp-zoe'"),
        (view(a_project("acme", id="p-new")), "the tenant already has live project"),
        (view(a_project("zoe", id=OLD), deleted=()), "is live as myapp-zoe in free"),
        (a_view(deleted={"free": ()}), "did not list the deleted projects of paid"),
        (a_view(), "did not list the deleted projects of free, paid"),
    ],
)
def test_an_id_that_cannot_come_back_is_a_conflict_and_no_creation(live: LiveState, words: str) -> None:
    found = conflict(back(), live)
    assert words in found.message
    assert found.remedy


def test_a_name_by_an_older_pattern_is_the_tenants_too() -> None:
    naming = Naming("myapp-{tenant}", ("app-{tenant}",))
    plan = make_plan(a_fleet(back(), naming=naming), view(deleted=(gone(name="app-acme"),)))
    assert plan.tenants[0].actions[0].kind == "recover_project"


def test_a_pin_beside_it_says_that_a_project_of_another_name_is_the_tenants() -> None:
    plan = make_plan(a_fleet(back(project_id=OLD)), view(deleted=(gone(name="by hand"),)))
    assert plan.tenants[0].actions[0].kind == "recover_project"


def test_a_project_that_the_api_would_not_show_is_waited_for() -> None:
    plan = make_plan(a_fleet(back()), view(deleted=(), unknown=(UnknownProject(OLD, "free"),)))
    assert (plan.tenants, plan.conflicts) == ((), ())
    assert plan.notes[0].message == f"the API did not return project {OLD}"


def test_a_name_that_is_added_again_gets_a_new_project_and_a_note_with_the_line_to_write() -> None:
    plan = make_plan(a_fleet(a_tenant("acme")), view())
    assert isinstance(plan.tenants[0].actions[0], CreateProject)
    (note,) = plan.notes
    assert "2030-05-10 12:00 UTC" in note.message
    assert f"recover: {OLD}" in note.message


def test_a_deleted_project_of_another_name_is_not_reported() -> None:
    assert make_plan(a_fleet(a_tenant("acme")), view(deleted=(gone(name="myapp-zoe"),))).notes == ()


def test_a_run_about_other_concerns_recovers_nothing() -> None:
    assert make_plan(a_fleet(back()), view(), only=("quota",)).tenants == ()


def test_a_recovery_waits_while_a_project_that_may_be_the_tenants_is_not_shown() -> None:
    desired, live = a_fleet(back()), view(unknown=(UnknownProject("p-x", "free"),))
    assert refused(guarded_plan(desired, live), Rule.INCOMPLETE_VIEW)


def test_a_recovery_takes_a_place_in_its_organization() -> None:
    full = replace(FREE, limits=replace(FREE.limits, projects=1))
    desired = a_fleet(back(), a_tenant("zoe"), organizations=(full, PAID))
    live = view(a_project("zoe"))
    assert refused(guarded_plan(desired, live), Rule.ORGANIZATION_LIMIT)


def test_recoveries_count_as_creations() -> None:
    desired = a_fleet(back(), policy=Policy(thresholds=Thresholds(creates=Threshold(0, 0))))
    assert refused(guarded_plan(desired, view()), Rule.THRESHOLD)


def test_a_recovery_that_no_commit_asks_for_is_reported_where_the_policy_says_so() -> None:
    desired = a_fleet(back(), policy=Policy(drift={"project": DriftPolicy.REPORT}))
    assert refused(guarded_plan(desired, view(), base=a_fleet(back())), Rule.DRIFT_POLICY)


@pytest.mark.parametrize(
    ("tenant", "live", "mention", "needed"),
    [
        (a_tenant("acme"), a_view(a_project("acme")), True, False),
        (back(), a_view(a_project("acme", id=OLD)), True, False),
        (a_tenant("acme"), a_view(), True, True),
        (a_tenant("acme"), a_view(), False, False),
        (back(), a_view(), False, True),
        (a_tenant("acme", absent=True), a_view(), True, False),
    ],
)
def test_what_was_deleted_is_asked_for_only_where_a_plan_depends_on_it(
    tenant: Tenant, live: LiveState, mention: bool, needed: bool
) -> None:
    assert PlanRequirements().deleted(a_fleet(tenant), live, mention=mention) is needed
    assert not PlanRequirements(selection=Selection(exclude=("acme",))).deleted(
        a_fleet(tenant), live, mention=mention
    )


def test_the_last_moment_of_a_recovery_is_told_by_the_clock_alone() -> None:
    until = gone().recoverable_until
    assert make_plan(a_fleet(back()), view(), now=until.replace(microsecond=0)).conflicts
    assert make_plan(a_fleet(back()), view(), now=NOON).tenants
