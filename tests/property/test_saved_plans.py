"""Properties of saved plans over generated fleets: what is planned again is what was approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents.reader import parse_saved_plan
from reconciler.plan.approval import PlanOrigin, approve
from reconciler.plan.permissions import Permissions
from tests import profiles
from tests.harness import json_documents
from tests.harness.builders import NOON, guarded_plan
from tests.property import contents, fleets
from tests.property.model import carried_out

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan, TenantPlan

COUNTS = dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
ALLOWED = Permissions(lowering=True, counts=COUNTS)

worlds = st.one_of(
    st.tuples(fleets.desired_states(), fleets.views()), st.tuples(contents.desired_states(), contents.views())
)


def planned(desired: DesiredState, live: LiveState) -> Plan:
    return guarded_plan(desired, live, ALLOWED)


def saved(plan: Plan) -> Plan:
    return parse_saved_plan(json_documents.plan(plan, PlanOrigin(NOON)).encode(), "plan.json").plan


def written(tenant: TenantPlan) -> set[tuple[str, tuple[str, ...]]]:
    """What each action of a tenant writes over what."""
    return {
        (action.kind, tuple(sorted(f"{one.path}: {one.before} -> {one.after}" for one in action.changes)))
        for action in tenant.actions
    }


@given(worlds)
def test_a_saved_plan_permits_all_that_is_planned_again_and_nothing_once_it_is_done(
    world: tuple[DesiredState, LiveState],
) -> None:
    desired, live = world
    plan = planned(desired, live)
    approval = approve(planned(desired, live), saved(plan))
    assert approval.plan == plan
    assert not approval.stale
    second = approve(planned(desired, carried_out(plan, desired, live)), saved(plan))
    assert second.plan.empty


@settings(max_examples=profiles.size(30, 120, 3000))
@given(worlds, st.data())
def test_a_plan_for_another_live_side_permits_at_most_what_both_would_do(
    world: tuple[DesiredState, LiveState], data: st.DataObject
) -> None:
    desired, live = world
    other = data.draw(st.one_of(fleets.views(), contents.views()))
    fresh, before = planned(desired, live), planned(desired, other)
    approval = approve(fresh, saved(before))
    permitted = {tenant.tenant: written(tenant) for tenant in before.tenants}
    assert all(planned_tenant in fresh.tenants for planned_tenant in approval.plan.tenants)
    assert all(written(tenant) <= permitted.get(tenant.tenant, set()) for tenant in approval.plan.tenants)
    assert len(approval.plan.tenants) + len(approval.stale) == len(fresh.tenants)
