"""A suspended tenant: its quota at Neon's minimum, no compute that runs, in each run, until its file ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.policy import DriftPolicy, Policy, Threshold, Thresholds
from reconciler.desired.selection import Depth
from reconciler.model.quota import Consumption
from reconciler.model.values import replace
from reconciler.plan.actions.compute import SuspendCompute
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.change import Origin, Risk
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_QUOTA,
    GIB,
    HOUR,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan

SUSPENDED = a_tenant(suspended=True, reason="payment is overdue")
OFF = FREE_QUOTA.off()
IDLE = a_project(quota=OFF, endpoints=(an_endpoint(active=False),))


def planned(
    now: DesiredState,
    project: LiveProject,
    before: DesiredState | None,
    permissions: Permissions = Permissions(),
    **history: Any,
) -> Plan:
    live, past = a_view(project), History(before, **history)
    return guarded_plan(now, live, permissions, history=past)


def suspensions(plan: Plan) -> list[Action]:
    return [action for action in plan.actions if isinstance(action, SuspendCompute)]


class TestASuspensionByACommit:
    before, now = a_fleet(a_tenant()), a_fleet(SUSPENDED)

    def test_puts_the_quota_at_the_minimum_and_then_suspends_the_computes(self) -> None:
        plan = planned(self.now, a_project(consumption=Consumption(5 * HOUR, 5 * HOUR, GIB, GIB)), self.before)
        patch, suspend = plan.actions
        assert not plan.refusals
        assert isinstance(patch, PatchProject)
        assert {change.path: change.after for change in patch.changes} == {
            "quota.active_time_seconds": 1,
            "quota.compute_time_seconds": 1,
            "quota.written_data_bytes": 1,
            "quota.data_transfer_bytes": 1,
        }
        assert isinstance(suspend, SuspendCompute)
        assert (suspend.branch, suspend.endpoint_id, suspend.lowering) == ("main", "ep-p-acme", True)
        assert suspend.risk is Risk.DISRUPTIVE
        assert {change.origin for action in plan.actions for change in action.changes} == {Origin.CONFIG}
        assert {action.reason for action in plan.actions} == {"suspended: payment is overdue"}

    def test_suspends_every_compute_that_runs_and_no_other(self) -> None:
        branches = (a_branch(), a_branch(id="br-dev", name="dev", default=False))
        computes = (
            an_endpoint(active=False),
            an_endpoint(id="ep-replica", kind="read_only"),
            an_endpoint(id="ep-dev", branch_id="br-dev"),
        )
        plan = planned(self.now, a_project(branches=branches, endpoints=computes), self.before)
        found = [(one.branch, one.endpoint_id) for one in suspensions(plan) if isinstance(one, SuspendCompute)]
        assert found == [("main", "ep-replica"), ("dev", "ep-dev")]

    def test_needs_a_commit(self) -> None:
        plan = planned(self.now, a_project(), None)
        assert plan.empty
        assert {refusal.rule for refusal in plan.refusals} == {Rule.LOWERING_NEEDS_A_CAUSE}

    def test_or_a_permission(self) -> None:
        plan = planned(self.now, a_project(), None, Permissions(lowering=True))
        assert len(list(plan.actions)) == 2

    def test_is_refused_for_a_protected_tenant(self) -> None:
        protected = a_fleet(replace(SUSPENDED, protect=True))
        plan = planned(protected, a_project(), self.before)
        assert plan.empty
        assert {refusal.rule for refusal in plan.refusals} == {Rule.PROTECTED}

    def test_counts_as_disruptive(self) -> None:
        few = Policy(Thresholds(disruptive=Threshold(0, 0)))
        plan = planned(a_fleet(SUSPENDED, policy=few), a_project(), self.before)
        assert plan.empty
        assert [refusal.rule for refusal in plan.refusals] == [Rule.THRESHOLD]

    def test_does_not_accept_what_else_the_commit_costs(self) -> None:
        shorter = a_fleet(a_tenant(tier="pro"), a_tenant("other"))
        now = a_fleet(replace(SUSPENDED, tier="free"))
        plan = planned(now, a_project(restore_window_seconds=7 * 24 * HOUR), shorter)
        assert Rule.DOWNGRADE_PROOF in {refusal.rule for refusal in plan.refusals}


class TestASuspendedTenant:
    now = a_fleet(SUSPENDED)

    def test_is_in_sync_and_can_connect_as_little_as_it_should(self) -> None:
        used = replace(IDLE, consumption=Consumption(5 * HOUR, 5 * HOUR, GIB, GIB))
        disabled = replace(used, endpoints=(an_endpoint(active=False, disabled=True),))
        for project in (used, disabled):
            plan = planned(self.now, project, self.now)
            assert plan.empty
            assert not plan.refusals
            assert [note.message for note in plan.notes] == ["suspended: payment is overdue"]

    def test_is_suspended_again_where_somebody_raised_its_quota(self) -> None:
        plan = planned(self.now, a_project(), self.now)
        assert [action.kind for action in plan.actions] == ["patch_project", "suspend_compute"]
        assert {change.origin for action in plan.actions for change in action.changes} == {Origin.DRIFT}

    def test_is_suspended_again_where_a_compute_runs(self) -> None:
        plan = planned(self.now, replace(IDLE, endpoints=(an_endpoint(),)), self.now)
        assert [action.kind for action in plan.actions] == ["suspend_compute"]

    @pytest.mark.parametrize("history", [{"lost": True}, {"uncommitted": frozenset({"acme"})}])
    def test_is_not_where_git_does_not_say_that_it_was_suspended_before(self, history: dict[str, Any]) -> None:
        plan = planned(self.now, a_project(), self.now, **history)
        assert plan.empty

    def test_is_not_where_its_drift_is_only_reported(self) -> None:
        policy = Policy(drift={"quota": DriftPolicy.REPORT, "compute": DriftPolicy.REPORT})
        plan = planned(a_fleet(SUSPENDED, policy=policy), a_project(), self.now)
        assert plan.empty
        assert {refusal.rule for refusal in plan.refusals} == {Rule.DRIFT_POLICY}

    def test_loses_no_more_than_what_the_suspension_is(self) -> None:
        plan = planned(self.now, replace(IDLE, restore_window_seconds=7 * 24 * HOUR), self.now)
        assert plan.empty
        assert [refusal.rule for refusal in plan.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]

    def test_has_its_computes_read_in_each_run_but_one_that_only_lists(self) -> None:
        bare = replace(IDLE, branches=None, endpoints=None)
        found = PlanRequirements().details(self.now, a_view(bare))
        assert (found.branches, found.endpoints) == (("p-acme",), ("p-acme",))
        assert not PlanRequirements(depth=Depth.LIST).details(self.now, a_view(bare)).endpoints

    def test_gets_no_project(self) -> None:
        live = a_view()
        plan = make_plan(self.now, live, history=History(a_fleet()))
        assert plan.empty
        assert "no project is created for a suspended tenant" in [note.message for note in plan.notes]

    def test_a_compute_that_a_patch_wakes_is_suspended_after_it(self) -> None:
        smaller = replace(IDLE, endpoints=(an_endpoint(compute=replace(an_endpoint().compute, max_cu=1)),))
        idle = replace(
            smaller, endpoints=(replace(smaller.endpoints[0], active=False),) if smaller.endpoints else ()
        )
        plan = planned(self.now, idle, self.now)
        assert [action.kind for action in plan.actions] == ["patch_endpoint", "suspend_compute"]


def test_the_end_of_a_suspension_gives_back_what_the_tier_grants() -> None:
    plan = planned(a_fleet(a_tenant()), IDLE, a_fleet(SUSPENDED))
    [patch] = plan.actions
    assert {change.after for change in patch.changes} == {
        FREE_QUOTA.active_time_seconds,
        FREE_QUOTA.data_transfer_bytes,
        0,
    }
    assert not patch.lowering
    assert not plan.refusals


def test_a_document_suspends_nobody_by_itself() -> None:
    now = a_fleet(SUSPENDED)
    plan = planned(now, a_project(), a_fleet(a_tenant()), documents=frozenset({"acme"}), files=a_fleet(a_tenant()))
    assert plan.empty
