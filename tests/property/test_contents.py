"""Properties of planning branches and snapshots over generated projects."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.policy import Policy
from reconciler.desired.tier import SnapshotMethod
from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.concerns.restore_window import PATH as RESTORE_WINDOW
from reconciler.plan.guards import guard
from reconciler.plan.permissions import Permissions
from tests.harness.builders import NOON, make_plan
from tests.property.contents import desired_states, views
from tests.property.model import adopted, carried_out

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan, Rule

COUNTS = dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
EVERYTHING = Permissions(lowering=True, counts=COUNTS)


def planned(
    desired: DesiredState, live: LiveState, permissions: Permissions = EVERYTHING, now: datetime = NOON
) -> Plan:
    return guard(make_plan(desired, live, now=now), desired, live, permissions)


@given(desired_states(), views())
def test_what_a_plan_promises_leaves_nothing_to_plan_but_the_same_refusals(
    desired: DesiredState, live: LiveState
) -> None:
    """On the way, the model checks that names stay unique, parents outlive children and limits hold.

    Nothing tells how far back a window reaches that the first plan raises: of the past it may be planned then.
    """
    live = adopted(planned(desired, live), desired, live)
    before = planned(desired, live)
    after = planned(desired, carried_out(before, desired, live))
    raised = {a.tenant for a in before.actions for c in a.changes if c.path == RESTORE_WINDOW and not c.lowering}
    unsure = {name for name in raised if of_the_past(desired.tenants[name])}
    assert not [action for action in after.actions if action.tenant not in unsure]
    assert refused_tenants(after, unsure) == refused_tenants(before, unsure)


def of_the_past(tenant: Tenant) -> bool:
    snapshots, branches = tenant.snapshots or (), tenant.dev_branches or ()
    return any(one.at is not None for one in snapshots) or any(one.at is not None for one in branches)


def refused_tenants(plan: Plan, leaving_out: set[str]) -> set[tuple[Rule, tuple[str, ...]]]:
    return {(r.rule, r.tenants) for r in plan.refusals if leaving_out.isdisjoint(r.tenants)}


@given(desired_states(), views())
def test_only_what_is_ours_is_deleted_and_only_what_is_not_declared(
    desired: DesiredState, live: LiveState
) -> None:
    for planned_tenant in planned(desired, live).tenants:
        tenant, project = desired.tenants[planned_tenant.tenant], planned_tenant.project
        branches = {branch.id: branch for branch in (project.branches if project else None) or ()}
        for action in planned_tenant.actions:
            if isinstance(action, DeleteBranch):
                assert branches[action.branch_id].annotations
                assert not branches[action.branch_id].name.endswith(" (old)")
                assert not branches[action.branch_id].protected
            if isinstance(action, DeleteSnapshot):
                alive = [s for s in tenant.snapshots or () if s.expires_at is None or s.expires_at > NOON]
                assert action.snapshot not in {snapshot.name for snapshot in alive}


@given(desired_states(), views())
def test_without_a_cause_nothing_is_deleted_but_what_its_file_lets_expire(
    desired: DesiredState, live: LiveState
) -> None:
    careful = planned(replace(desired, policy=Policy()), live, Permissions(counts=COUNTS))
    for action in careful.actions:
        assert not isinstance(action, DeleteSnapshot)
        if isinstance(action, DeleteBranch):
            declared = {branch.name: branch for branch in desired.tenants[action.tenant].dev_branches or ()}
            expires_at = declared[action.branch].expires_at
            assert expires_at is not None
            assert expires_at <= NOON


@given(desired_states(), views(), st.integers(-400, 400))
def test_the_plan_depends_on_now_only_where_a_moment_lies_between(
    desired: DesiredState, live: LiveState, minutes: int
) -> None:
    """All generated moments lie half a day off noon and off the windows' ends: hours change nothing."""
    assert planned(desired, live) == planned(desired, live, now=NOON + timedelta(minutes=minutes))


@given(desired_states(), views())
def test_both_ways_of_keeping_snapshots_create_what_is_declared_and_nothing_else(
    desired: DesiredState, live: LiveState
) -> None:
    for action in planned(desired, live).actions:
        tenant = desired.tenants[action.tenant]
        if isinstance(action, CreateSnapshot):
            assert desired.tiers[tenant.tier].snapshots.method is SnapshotMethod.API
            assert action.snapshot in {snapshot.name for snapshot in tenant.snapshots or ()}
        if isinstance(action, CreateBranch):
            declared = {s.name for s in tenant.snapshots or ()} | {b.name for b in tenant.dev_branches or ()}
            assert action.branch in declared
