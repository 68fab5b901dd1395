"""The overview of a fleet: every declared tenant is counted once, and a plan changes the room of organizations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.selection import Selection
from reconciler.model.values import replace
from reconciler.plan.counting import with_overview
from reconciler.plan.plan import Conflict, OrganizationRoom, Refusal, Rule, TierOverview
from tests.harness.builders import FREE_LIMITS, HERE, PAID_LIMITS, a_fleet, a_tenant
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.plan.plan import Overview, Plan

LISTED = {"free": 40, "paid": 7}


def overview(plan: Plan, *tenants: Tenant, selection: Selection = Selection()) -> Overview:
    found = with_overview(plan, a_fleet(*tenants), selection, LISTED).overview
    assert found is not None
    return found


def test_each_tenant_is_counted_once_and_in_its_tier() -> None:
    refused = Refusal(Rule.PROTECTED, ("both", "held"), "no", "yes", ())
    plan = build.plan(
        build.price_change("both"),
        build.price_change("named"),
        refusals=(refused,),
        conflicts=(Conflict("torn", "two projects", "pin one", HERE),),
    )
    found = overview(
        plan,
        *(a_tenant(name) for name in ("both", "held", "torn", "plain")),
        a_tenant("off", suspended=True, reason="payment"),
        a_tenant("gone", absent=True),
        a_tenant("payer", tier="pro"),
    )
    assert found.tiers == (
        TierOverview(
            "free", tenants=6, changed=1, refused=1, undecided=1, suspended=1, absent=1, unchanged=1, left_out=0
        ),
        TierOverview("pro", tenants=1, unchanged=1),
    )
    assert found.tier_of == {"both": "free", "held": "free", "torn": "free"}


def test_a_tenant_that_the_selection_leaves_out_is_not_called_unchanged() -> None:
    found = overview(build.plan(), a_tenant("a"), a_tenant("b"), selection=Selection(tenants=("a",)))
    assert found.tiers[0] == TierOverview("free", tenants=2, unchanged=1, left_out=1)


def test_what_is_created_moved_deleted_and_recovered_changes_the_room() -> None:
    plan = build.plan(
        build.tenant("a", build.create("a")),
        build.upgrade("b"),
        build.downgrade("c"),
        build.upgrade("d"),
        build.tenant("e", build.delete("e", "p"), live=build.project("myapp-e")),
        build.tenant("f", build.recover("f"), live=build.project("myapp-f", organization="paid")),
        build.tenant("g", build.delete_duplicate("g"), live=build.project("myapp-g")),
    )
    assert overview(plan).organizations == (
        OrganizationRoom("free", 40, 40 - 2 + 1 - 1 - 1, FREE_LIMITS.projects),
        OrganizationRoom("paid", 7, 7 + 1 + 2 - 1 + 1, PAID_LIMITS.projects),
    )


def test_an_organization_that_was_not_listed_is_left_out() -> None:
    found = with_overview(build.plan(), a_fleet(), Selection(), {}).overview
    assert found is not None
    assert found.organizations == ()


def test_the_plan_is_otherwise_the_same() -> None:
    plan = build.rich_plan()
    assert replace(with_overview(plan, a_fleet(), Selection(), LISTED), overview=None) == plan
