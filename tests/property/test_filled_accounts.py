"""The properties of planning and applying branches and snapshots, through HTTP and SQLite."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import example, given

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.desired.tier import AtLimit, SnapshotMethod
from reconciler.model.annotations import BRANCH, FLEET
from reconciler.model.values import replace
from reconciler.plan.approval import PlanOrigin
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule
from reconciler.simulator.behaviour import Behaviour
from tests.harness import json_documents
from tests.harness.builders import NOON, a_fleet, a_tenant
from tests.property.accounts import (
    CAREFUL,
    LOWERING,
    PRUNING,
    SMALL,
    Case,
    Disturbance,
    conflicts,
    disturbances,
    held_back,
    opened,
    through_http,
)
from tests.property.filled_accounts import cases, surprising
from tests.property.rows import Rows, notes

if TYPE_CHECKING:
    from reconciler.desired.settings import Settings
    from reconciler.plan.plan import Plan
    from tests.property.accounts import Scene
    from tests.property.rows import Row

ANY = (CAREFUL, LOWERING, PRUNING)

DECLARED_BEFORE: Final = a_fleet(
    a_tenant(dev_branches=(DevBranch("dev", compute=SMALL),), snapshots=(Snapshot("v1"),)),
    policy=Policy(drift={"dev_branches": DriftPolicy.REPORT}),
)
CREATED_ANEW: Final = Case(DECLARED_BEFORE, (), Behaviour(), CAREFUL, DECLARED_BEFORE)
"""The base declares the tenant with its branch and snapshot, but nobody has its project any more."""

pytestmark = pytest.mark.slow


@through_http
@given(cases(*ANY))
def test_after_an_apply_nothing_is_left_to_plan_but_the_same_refusals(case: Case) -> None:
    with opened(case) as scene:
        planned = scene.plan()
        before, report, after = planned.plan, scene.apply(planned), scene.plan().plan
    assert not scene.watch.refused
    assert {outcome.result for outcome in report.outcomes} <= {Result.APPLIED}, report
    reaching_back = of_raised_windows(before, after)
    assert [action for action in after.actions if action.tenant not in reaching_back] == []
    assert held_back(of_others(after, reaching_back)) == held_back(of_others(before, reaching_back))
    assert conflicts(after) == conflicts(before)


def of_raised_windows(before: Plan, after: Plan) -> set[str]:
    """The tenants whose window the first plan raised, and of whom nothing but moments is left that lie in it: how
    far back a raised window reaches, no call of the API shows.
    """
    raised = {
        action.tenant
        for action in before.actions
        for change in action.changes
        if change.path == "restore_window_seconds" and not change.lowering
    }
    moments = {action.tenant for action in after.actions if getattr(action, "at", None) is not None}
    others = {action.tenant for action in after.actions if getattr(action, "at", None) is None}
    return raised & moments - others


def of_others(plan: Plan, tenants: set[str]) -> Plan:
    """The plan without what is refused of these tenants."""
    refusals = tuple(refusal for refusal in plan.refusals if tenants.isdisjoint(refusal.tenants))
    return replace(plan, refusals=refusals)


@through_http
@given(cases(*ANY))
def test_two_plans_of_the_same_account_are_equal_to_the_byte(case: Case) -> None:
    with opened(case) as scene:
        one, other = scene.plan(), scene.plan()
    assert (one.plan, one.live) == (other.plan, other.live)
    assert json_documents.plan(one.plan, PlanOrigin(NOON)) == json_documents.plan(other.plan, PlanOrigin(NOON))


@through_http
@given(cases(*ANY))
def test_no_write_leaves_a_project_with_more_than_its_organization_allows(case: Case) -> None:
    with opened(case) as scene:
        scene.apply(scene.plan())
    assert not scene.watch.overfull
    assert not scene.watch.refused


@through_http
@given(cases(CAREFUL, LOWERING))
def test_what_no_file_declares_or_this_fleet_did_not_make_is_untouched_to_the_byte(case: Case) -> None:
    with opened(case) as scene:
        before = Rows.of(scene.world.simulator)
        scene.apply(scene.plan())
        after = Rows.of(scene.world.simulator)
    check_untouched(scene, case, before, after)


def check_untouched(scene: Scene, case: Case, before: Rows, after: Rows) -> None:
    for project_id in before.projects:
        tenant = scene.desired.tenants.get(scene.tenant(project_id))
        was, became = before.below(project_id), after.below(project_id)
        if tenant is None:
            assert became == was
            continue
        settings = scene.desired.settings(tenant)
        moved = was.projects[project_id]["org_id"] != became.projects[project_id]["org_id"]
        limited = moved or was.beyond(scene.desired.limits(settings.organization))
        branches = {key for key, row in was.branches.items() if not managed(row, settings)}
        snapshots = {key for key, row in was.snapshots.items() if not may_give_way(row, settings, case)}
        left, found = (rows.among(branches, snapshots) for rows in (was, became))
        assert found.unmanaged(settings, moved=limited) == left.unmanaged(settings, moved=limited)


def managed(branch: Row, settings: Settings) -> bool:
    """Whether the files speak of the branch, or this fleet made it and would delete it."""
    if branch["is_default"] or branch["name"].endswith(" (old)"):
        return False
    note = notes(branch)
    ours = note.get(FLEET) == "prod" and BRANCH in note
    return ours or branch["name"] in {declared.name for declared in settings.dev_branches or ()}


def may_give_way(snapshot: Row, settings: Settings, case: Case) -> bool:
    """Whether the tier lets the snapshot be replaced: never one of a schedule, nor one that is declared."""
    policy = settings.snapshot_policy
    if not snapshot["manual"] or policy.method is not SnapshotMethod.API:
        return False
    if snapshot["body"]["name"] in {declared.name for declared in settings.snapshots or ()}:
        return False
    match policy.at_limit:
        case AtLimit.REFUSE:
            return False
        case AtLimit.REPLACE_DECLARED:
            return case.base is not None
        case AtLimit.REPLACE_OLDEST:
            return True


@through_http
@given(cases(*ANY), disturbances)
@example(CREATED_ANEW, Disturbance(4, "stop"))
@example(CREATED_ANEW, Disturbance(4, "before"))
def test_a_run_that_was_stopped_or_killed_ends_as_if_it_had_not_been_once_it_runs_again(
    case: Case, disturbance: Disturbance
) -> None:
    with opened(case) as undisturbed:
        undisturbed.apply(undisturbed.plan())
        expected = Rows.of(undisturbed.world.simulator)
    with opened(case) as scene:
        interrupted = scene.plan()
        scene.apply_disturbed(interrupted, disturbance)
        scene.wait(seconds=1)
        scene.remembering(interrupted.plan).repair()
        ended = Rows.of(scene.world.simulator)
    assert ended.end_state() == expected.end_state()
    assert not scene.watch.overfull


def test_without_the_record_of_the_interrupted_run_a_project_made_anew_lacks_what_it_left_out() -> None:
    """The new compute has the requested size: the run that is stopped leaves nothing of it to be done."""
    again = replace(DECLARED_BEFORE.tenants["acme"], snapshots=(Snapshot("v1", retake=True),))
    sized_at_once = dataclasses.replace(CREATED_ANEW.behaviour, first_compute_takes_defaults=True)
    with opened(dataclasses.replace(CREATED_ANEW, behaviour=sized_at_once)) as scene:
        scene.apply_disturbed(scene.plan(), Disturbance(4, "stop"))
        scene.wait(seconds=1)
        told = scene.plan().plan
        retaken = dataclasses.replace(scene, desired=replace(DECLARED_BEFORE, tenants={"acme": again})).plan().plan
    assert told.empty
    assert {refusal.rule for refusal in told.refusals} == {Rule.LOST_SNAPSHOT, Rule.DRIFT_POLICY}
    assert [action.kind for action in retaken.actions] == ["create_snapshot"], "the remedy of the refusal"


@through_http
@given(cases(CAREFUL, LOWERING, neon=surprising))
def test_where_neon_refuses_what_no_answer_tells_the_tenant_fails_with_its_words_and_nothing_else_changes(
    case: Case,
) -> None:
    with opened(case) as scene:
        before = Rows.of(scene.world.simulator)
        report = scene.apply(scene.plan())
        after = Rows.of(scene.world.simulator)
    outcomes = [action for outcome in report.outcomes for action in outcome.actions]
    failed = [action for action in outcomes if action.result is Result.FAILED]
    assert len(failed) == len(scene.watch.refused)
    assert not scene.watch.overfull
    check_untouched(scene, case, before, after)
