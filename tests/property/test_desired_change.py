"""Properties of `diff`: it tells what a plan tells of a fleet to which the earlier files were applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from msgspec import structs

from reconciler.live.state import LiveState
from reconciler.model.values import replace
from reconciler.plan.as_declared import as_declared
from reconciler.plan.desired_change import desired_change
from tests.harness.builders import NOON, make_plan
from tests.property.fleets import desired_states
from tests.property.model import carried_out

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan


def comparable(action: Action) -> Action:
    """The action without ids, and without the values of fields that only Neon knows."""
    known: dict[str, Any] = {name: "" for name in structs.asdict(action) if name.endswith("_id")}
    if "companions" in structs.asdict(action):
        known["companions"] = ()
    return replace(action, **known)


def actions(plan: Plan) -> dict[str, list[Action]]:
    return {one.tenant: [comparable(action) for action in one.actions] for one in plan.tenants}


def creatable(desired: DesiredState) -> DesiredState:
    """The same fleet as far as an apply creates projects: none for a suspended tenant, nor for a pinned id."""
    tenants = desired.tenants.items()
    made = {name: replace(one, suspended=False, project_id=None, recover=None) for name, one in tenants}
    return replace(desired, tenants=made)


@given(desired_states())
def test_a_fleet_as_declared_is_in_sync(desired: DesiredState) -> None:
    plan = make_plan(desired, as_declared(desired, NOON), base=desired)
    assert plan.empty, list(plan.actions)


@given(desired_states())
def test_files_that_did_not_change_ask_for_nothing(desired: DesiredState) -> None:
    plan = desired_change(desired, desired, NOON)
    assert (plan.tenants, plan.refusals, plan.conflicts, plan.notes, plan.file_changes) == ((), (), (), (), ())


@given(desired_states(), desired_states())
def test_the_diff_is_the_plan_after_the_earlier_files_were_applied(
    before: DesiredState, after: DesiredState
) -> None:
    """Where the earlier files manage what the later ones do: `diff` does not know what Neon gave by itself."""
    managed = {name: one.compute is not None for name, one in before.tiers.items()}
    bare = {name for name, one in before.tenants.items() if not managed.get(one.tier)}
    before, after = (one.selecting(one.tenants.keys() - bare) for one in (creatable(before), after))
    empty = LiveState(listed=dict.fromkeys(before.organizations, 0))
    live = carried_out(make_plan(before, empty), before, empty)
    planned = make_plan(after, live, base=before)
    assert actions(desired_change(before, after, NOON)) == actions(planned)
