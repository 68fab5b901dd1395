"""A saved plan permits, it never commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.plan.approval import approve
from reconciler.plan.change import Origin
from reconciler.plan.planner import make_plan
from tests.harness.builders import FREE_QUOTA, GIB, NOON, a_fleet, a_project, a_tenant, a_view
from tests.unit.plan.plans import plans, tenant_plans

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.live.project import LiveProject
    from reconciler.plan.change import FieldChange
    from reconciler.plan.plan import Plan, TenantPlan


def planned(*projects: LiveProject, tier: str = "free", fleet: str = "prod") -> Plan:
    """What two tenants of a tier get, given what is live."""
    desired = replace(a_fleet(a_tenant("ada", tier=tier), a_tenant("bob", tier=tier)), fleet=fleet)
    return make_plan(desired, a_view(*projects), now=NOON)


def small(tenant: str, transfer_bytes: int = GIB) -> LiveProject:
    return a_project(tenant, quota=replace(FREE_QUOTA, data_transfer_bytes=transfer_bytes))


def names(plan: Plan) -> list[str]:
    return [tenant.tenant for tenant in plan.tenants]


SAVED = planned(small("ada"), small("bob"))


def test_what_is_planned_again_goes_ahead() -> None:
    approval = approve(planned(small("ada"), small("bob")), SAVED)
    assert names(approval.plan) == ["ada", "bob"]
    assert not approval.stale


def test_what_is_not_needed_any_more_is_not_done() -> None:
    approval = approve(planned(small("ada"), a_project("bob")), SAVED)
    assert names(approval.plan) == ["ada"]
    assert not approval.stale


def test_a_tenant_whose_live_side_moved_is_stale_with_its_difference_and_the_others_go_ahead() -> None:
    fresh = planned(small("ada"), small("bob", 2 * GIB))
    approval = approve(fresh, SAVED)
    assert names(approval.plan) == ["ada"]
    (stale,) = approval.stale
    assert stale.tenant == "bob"
    assert [change.before for action in stale.fresh for change in action.changes] == [2 * GIB]
    assert [change.before for action in stale.saved for change in action.changes] == [GIB]


def test_one_action_too_many_holds_back_the_whole_tenant() -> None:
    fresh = planned(small("ada"), tier="pro")
    (ada, _) = fresh.tenants
    assert len(ada.actions) > 1
    saved = replace(fresh, tenants=(replace(ada, actions=ada.actions[1:]),))
    approval = approve(fresh, saved)
    assert approval.plan.empty
    assert approval.stale[0].fresh == ada.actions[:1]
    assert approval.stale[0].saved == ()


def test_a_tenant_that_the_saved_plan_does_not_know_is_stale() -> None:
    approval = approve(SAVED, replace(SAVED, tenants=SAVED.tenants[:1]))
    assert names(approval.plan) == ["ada"]
    assert "nothing for this tenant" in approval.stale[0].message


def test_the_plan_of_another_fleet_permits_nothing() -> None:
    approval = approve(SAVED, planned(small("ada"), small("bob"), fleet="staging"))
    assert approval.plan.empty
    assert [stale.tenant for stale in approval.stale] == ["ada", "bob"]
    assert all("staging" in stale.message for stale in approval.stale)


@pytest.mark.parametrize("free", ["org-quiet-sun", None])
def test_a_plan_that_was_made_with_other_organizations_permits_nothing(free: str | None) -> None:
    """A tenant to be created has no project id by which it could be told from its namesake in another account."""
    fresh = replace(planned(), organizations={"free": "org-calm-sea", "paid": "org-deep-lake"})
    saved = replace(fresh, organizations={"paid": "org-deep-lake"} | ({} if free is None else {"free": free}))
    approval = approve(fresh, saved)
    assert approval.plan.empty
    assert [stale.tenant for stale in approval.stale] == ["ada", "bob"]
    assert all((free or "no organization") in stale.message for stale in approval.stale)
    assert all("org-calm-sea" in stale.message for stale in approval.stale)
    assert approve(fresh, fresh).plan == fresh


def test_where_and_why_the_files_ask_for_it_does_not_matter() -> None:
    def retold(tenant: TenantPlan) -> TenantPlan:
        told = [
            replace(
                action,
                reason="another one",
                source=Location("elsewhere.yaml", 9),
                changes=tuple(replace(change, origin=Origin.CONFIG) for change in action.changes),
            )
            for action in tenant.actions
        ]
        return replace(tenant, actions=tuple(told))

    saved = replace(SAVED, tenants=tuple(map(retold, SAVED.tenants)))
    assert approve(SAVED, saved).plan == SAVED


@pytest.mark.parametrize(
    "edit",
    [
        lambda change: replace(change, after=change.after + 1),
        lambda change: replace(change, before=None),
        lambda change: replace(change, path="quota.written_data_bytes"),
        lambda change: replace(change, lowering=not change.lowering),
        lambda change: replace(change, risk=2),
    ],
)
def test_everything_else_does(edit: Callable[[FieldChange], FieldChange]) -> None:
    def edited(tenant: TenantPlan) -> TenantPlan:
        (action,) = tenant.actions
        changes = tuple(map(edit, action.changes))
        return replace(tenant, actions=(replace(action, changes=changes),))

    approval = approve(SAVED, replace(SAVED, tenants=tuple(map(edited, SAVED.tenants))))
    assert approval.plan.empty
    assert len(approval.stale) == 2


def test_another_project_under_the_same_name_is_stale() -> None:
    twin = replace(small("ada"), id="p-twin")
    approval = approve(planned(twin, small("bob")), SAVED)
    assert names(approval.plan) == ["bob"]
    assert approval.stale[0].message == "the saved plan is about project p-ada, and now there is project p-twin"


@pytest.mark.parametrize("changed", [{"organization": "paid"}, {"name": "mine"}], ids=["moved", "renamed"])
def test_a_project_that_was_moved_or_renamed_since_is_not_deleted(changed: dict[str, Any]) -> None:
    project = a_project("ada")
    absent = a_fleet(a_tenant("ada", absent=True, project_id=project.id))
    saved = make_plan(absent, a_view(project), now=NOON)
    assert approve(saved, saved).plan.tenants == saved.tenants != ()
    fresh = make_plan(absent, a_view(replace(project, **changed)), now=NOON)
    approval = approve(fresh, saved)
    assert approval.plan.empty
    assert "now it" in approval.stale[0].message


def test_a_plan_to_create_permits_nothing_once_the_project_is_there() -> None:
    (stale,) = approve(planned(small("ada"), a_project("bob")), planned()).stale
    assert stale.message == "the saved plan is about a tenant without a project, and now there is project p-ada"


def test_a_project_that_vanished_is_not_created_by_a_plan_to_change_it() -> None:
    approval = approve(planned(), SAVED)
    assert approval.plan.empty
    assert approval.stale[0].message == "the saved plan is about project p-ada, and now there is none"


@given(plans())
def test_approving_a_plan_by_itself_changes_nothing(plan: Plan) -> None:
    approval = approve(plan, plan)
    assert approval.plan == plan
    assert not approval.stale


@st.composite
def related(draw: st.DrawFn) -> tuple[Plan, Plan]:
    """A plan, and one that holds some of its tenants, some with others in their place."""
    fresh = draw(plans())
    tenants = [draw(st.just(tenant) | tenant_plans(tenant.tenant)) for tenant in fresh.tenants]
    return fresh, replace(fresh, tenants=tuple(tenant for tenant in tenants if draw(st.integers(0, 3))))


def essence(plan: Plan) -> set[object]:
    return {
        (
            planned.project and planned.project.id,
            replace(action, reason="", source=Location(""), changes=bare(action.changes)),
        )
        for planned in plan.tenants
        for action in planned.actions
    }


def bare(changes: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    return tuple(replace(change, origin=Origin.DRIFT) for change in changes)


@given(related())
def test_what_is_approved_is_part_of_both_and_every_tenant_is_accounted_for(pair: tuple[Plan, Plan]) -> None:
    fresh, saved = pair
    approval = approve(fresh, saved)
    assert all(planned in fresh.tenants for planned in approval.plan.tenants)
    assert essence(approval.plan) <= essence(saved)
    assert sorted([*names(approval.plan), *(stale.tenant for stale in approval.stale)]) == names(fresh)
    assert replace(approval.plan, tenants=()) == replace(fresh, tenants=())


@given(related(), st.data())
def test_taking_an_action_out_of_a_saved_plan_only_takes_away(
    pair: tuple[Plan, Plan], data: st.DataObject
) -> None:
    fresh, saved = pair
    if not saved.tenants:
        return
    place = data.draw(st.integers(0, len(saved.tenants) - 1))
    actions = saved.tenants[place].actions
    gone = data.draw(st.integers(0, len(actions) - 1))
    thinned = replace(saved.tenants[place], actions=actions[:gone] + actions[gone + 1 :])
    less = replace(saved, tenants=(*saved.tenants[:place], thinned, *saved.tenants[place + 1 :]))
    assert set(names(approve(fresh, less).plan)) <= set(names(approve(fresh, saved).plan))
