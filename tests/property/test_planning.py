"""Properties of planning over generated fleets: total, deterministic, convergent, modest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.policy import Policy
from reconciler.model.compute import Compute
from reconciler.plan.actions.project import CreateProject, DeleteProject, RecoverProject
from reconciler.plan.guards import guard
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import make_plan, reordered
from tests.property.fleets import desired_states, recoveries, views
from tests.property.model import adopted, carried_out

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

EVERYTHING = Permissions(
    lowering=True, counts=dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
)


def planned(desired: DesiredState, live: LiveState, permissions: Permissions = EVERYTHING) -> Plan:
    return guard(make_plan(desired, live, prune=permissions.prune), desired, live, permissions)


@given(desired_states(), views())
def test_planning_is_total_and_the_order_of_what_was_seen_changes_nothing(
    desired: DesiredState, live: LiveState
) -> None:
    backwards = reordered(live, live.projects[::-1])
    shuffled = replace(desired, tenants=dict(reversed(list(desired.tenants.items()))))
    ours, theirs = planned(desired, live), planned(shuffled, backwards)
    assert ours.tenants == theirs.tenants
    assert ours.budget == theirs.budget
    assert {r.rule for r in ours.refusals} == {r.rule for r in theirs.refusals}


@given(desired_states(), views())
def test_what_a_plan_promises_leaves_nothing_to_plan_but_the_same_refusals(
    desired: DesiredState, live: LiveState
) -> None:
    live = adopted(planned(desired, live), desired, live)
    before = planned(desired, live)
    after = planned(desired, carried_out(before, desired, live))
    assert after.empty, list(after.actions)
    suspended = [(Rule.CANNOT_CONNECT, (name,)) for name in suspended_by(before, desired)]
    refused = [(r.rule, r.tenants) for r in before.refusals]
    left = [(r.rule, r.tenants) for r in after.refusals]
    assert [each for each in left if each in refused or each not in suspended] == refused
    assert [c.tenant for c in after.conflicts] == [c.tenant for c in before.conflicts]


def suspended_by(plan: Plan, desired: DesiredState) -> list[str]:
    """Tenants whose quota the plan reduces, and whose files accept that Neon suspends them for it."""
    reduced = ((tenant.tenant, change) for tenant in plan.tenants for a in tenant.actions for change in a.changes)
    names = {name for name, change in reduced if change.lowering and change.path.startswith("quota.")}
    return sorted(name for name in names if desired.tenants[name].accept.suspension)


@given(desired_states(), views())
def test_a_project_that_only_a_name_finds_is_marked_and_left_alone(desired: DesiredState, live: LiveState) -> None:
    """Whatever is permitted: what differs of it is not done, and it is marked where that is possible."""
    plan = planned(desired, live)
    for tenant in plan.tenants:
        if tenant.project is not None and not tenant.project.annotations:
            declared = desired.tenants[tenant.tenant]
            told = tenant.project.id in (declared.project_id, declared.recover)
            assert told or [action.kind for action in tenant.actions] == ["adopt_project"]


@given(desired_states(), views())
def test_without_a_cause_nothing_is_taken_from_anybody(desired: DesiredState, live: LiveState) -> None:
    careful = replace(desired, policy=Policy())
    plan = planned(careful, live, Permissions(counts=EVERYTHING.counts))
    assert not [action for action in plan.actions if action.lowering]


@given(desired_states(), views())
def test_a_plan_speaks_of_declared_tenants_only_and_deletes_tombstones_only(
    desired: DesiredState, live: LiveState
) -> None:
    plan = planned(desired, live)
    for action in plan.actions:
        assert action.tenant in desired.tenants
        assert isinstance(action, DeleteProject) == desired.tenants[action.tenant].absent


@given(desired_states(), views(), st.data())
def test_no_compute_range_becomes_invalid(desired: DesiredState, live: LiveState, data: st.DataObject) -> None:
    """Whatever the guards hold back, the two ends of a size stay in order."""
    permissions = data.draw(st.sampled_from([EVERYTHING, Permissions(counts=EVERYTHING.counts)]))
    after = carried_out(planned(desired, live, permissions), desired, live)
    for project in after.projects:
        size = project.compute or Compute()
        if size.min_cu is not None and size.max_cu is not None:
            assert size.min_cu <= size.max_cu


@given(desired_states().flatmap(recoveries))
def test_only_what_a_file_names_is_recovered_and_never_replaced_by_a_new_project(
    both: tuple[DesiredState, LiveState],
) -> None:
    """An id that cannot be brought back is a conflict; once it is back, normal planning comes to its end."""
    desired, live = both
    plan = planned(desired, live)
    for planned_tenant in plan.tenants:
        asked = desired.tenants[planned_tenant.tenant].recover
        for action in planned_tenant.actions:
            assert not (isinstance(action, CreateProject) and asked)
            if isinstance(action, RecoverProject):
                assert action.project_id == asked
                assert live.project(action.project_id) is None
                assert planned_tenant.actions == (action,)
    back = carried_out(plan, desired, live)
    back = adopted(planned(desired, back), desired, back)
    settled = carried_out(planned(desired, back), desired, back)
    assert planned(desired, settled).empty


@given(desired_states().flatmap(recoveries))
def test_what_was_deleted_changes_nothing_for_tenants_that_do_not_ask_for_it(
    both: tuple[DesiredState, LiveState],
) -> None:
    desired, live = both
    forgetful = replace(live, deleted={})
    silent = replace(
        desired, tenants={name: replace(tenant, recover=None) for name, tenant in desired.tenants.items()}
    )
    assert planned(silent, live).tenants == planned(silent, forgetful).tenants
