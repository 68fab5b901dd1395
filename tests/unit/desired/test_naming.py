"""How projects are called, whose a name is, and what two tenants could share."""

from __future__ import annotations

import pytest

from reconciler.desired.naming import Naming, composed, identity
from reconciler.model.values import replace
from tests.harness.builders import (
    FREE_TIER,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
    make_plan,
)

TIERED = Naming("myapp-{tenant}-{tier}")


def test_a_name_speaks_of_tier_and_organization() -> None:
    fleet = a_fleet(a_tenant(tier="pro"), naming=Naming("{organization}-{tenant}-{tier}"))
    assert fleet.project_name(fleet.tenants["acme"]) == "paid-acme-pro"


def test_every_tier_is_tried_and_the_tenants_own_comes_first() -> None:
    fleet = a_fleet(a_tenant(tier="pro"), naming=replace(TIERED, previous=("{organization}-{tenant}",)))
    assert fleet.project_names("acme") == ("myapp-acme-pro", "myapp-acme-free", "free-acme", "paid-acme")
    assert fleet.project_names("new") == ("myapp-new-free", "myapp-new-pro", "free-new", "paid-new")


@pytest.mark.parametrize("name", ["myapp-acme-pro", "myapp-acme-free", "acme"])
def test_the_way_back_finds_the_tenant(name: str) -> None:
    fleet = a_fleet(a_tenant(), naming=replace(TIERED, previous=("{tenant}",)))
    assert fleet.tenant_by_project_name(name) == "acme"


def test_of_several_tenants_a_name_is_that_of_the_one_whom_a_file_declares() -> None:
    naming = Naming("{tenant}", ("myapp-{tenant}",))
    assert a_fleet(a_tenant("bob"), naming=naming).tenant_by_project_name("myapp-bob") == "bob"
    assert a_fleet(naming=naming, held_back=frozenset({"bob"})).tenant_by_project_name("myapp-bob") == "bob"
    assert a_fleet(naming=naming).tenant_by_project_name("myapp-bob") == "myapp-bob"


def test_one_search_finds_the_names_of_every_tier() -> None:
    fleet = a_fleet(a_tenant(), naming=replace(TIERED, previous=("old-{tenant}",)))
    assert [(search.text, search.names) for search in fleet.project_searches("acme")] == [
        ("myapp-acme-", ("myapp-acme-free", "myapp-acme-pro")),
        ("old-acme", ("old-acme",)),
    ]


def test_a_change_of_tier_renames_the_project() -> None:
    before = a_fleet(a_tenant(), naming=TIERED)
    after = a_fleet(a_tenant(tier="pro"), naming=TIERED)
    live = a_view(a_project(name="myapp-acme-free"))
    plan = guarded_plan(after, live, base=before)
    renaming = {c.path: c.after for action in plan.actions for c in action.changes if c.path == "name"}
    assert renaming == {"name": "myapp-acme-pro"}
    assert not plan.refusals


def test_one_that_is_half_done_still_finds_the_project() -> None:
    fleet = a_fleet(a_tenant(tier="pro"), naming=TIERED)
    plan = make_plan(fleet, a_view(a_pro_project(name="myapp-acme-free")))
    assert [(action.kind, [c.path for c in action.changes]) for action in plan.actions] == [
        ("patch_project", ["name"])
    ]
    assert make_plan(fleet, a_view(a_pro_project(name="myapp-acme-pro"))).empty


OF_TIERS = Naming("myapp-{tenant}", tiers={"pro": "{tier}-{tenant}"})
"""The projects of pro have a pattern of their own."""


def test_a_tier_may_have_a_pattern_of_its_own() -> None:
    fleet = a_fleet(a_tenant("acme", tier="pro"), a_tenant("bob"), naming=OF_TIERS)
    assert [fleet.project_name(one) for one in fleet.tenants.values()] == ["pro-acme", "myapp-bob"]
    assert set(fleet.project_names("bob")) == {"myapp-bob", "free-bob", "pro-bob"}
    assert [fleet.tenant_by_project_name(name) for name in ("pro-acme", "myapp-acme")] == ["acme", "acme"]
    assert fleet.tenant_by_project_name("acme") is None
    assert [search.text for search in fleet.project_searches("acme")] == ["myapp-acme", "-acme"]


def test_a_change_to_a_tier_with_a_pattern_of_its_own_renames_the_project() -> None:
    before = a_fleet(a_tenant(), naming=OF_TIERS)
    after = a_fleet(a_tenant(tier="pro"), naming=OF_TIERS)
    live = a_view(a_project(name="myapp-acme"))
    plan = guarded_plan(after, live, base=before)
    renaming = {c.path: c.after for action in plan.actions for c in action.changes if c.path == "name"}
    assert renaming == {"name": "pro-acme"}
    assert not plan.refusals


def test_a_name_that_two_tenants_could_have_has_both_as_owners() -> None:
    apart = a_fleet(a_tenant("a"), a_tenant("a-x"), naming=TIERED)
    assert all(len(owners) == 1 for owners in apart.project_owners.values())
    alike = (FREE_TIER, replace(FREE_TIER, name="x-free"))
    fleet = a_fleet(a_tenant("a"), a_tenant("a-x"), naming=Naming("{tenant}-{tier}"), tiers=alike)
    assert fleet.project_owners["a-x-free"] == ("a", "a-x")
    assert fleet.namesakes("a") == {"a-x"}


def test_names_are_one_whatever_their_form_and_case() -> None:
    assert composed("cafe\u0301") == "caf\u00e9"
    assert identity("CAFE\u0301") == identity("caf\u00e9")
    assert identity("Ada@Example.com") == identity("ada@example.com")
