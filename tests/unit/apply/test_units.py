"""Units of work: who shares a call or a check, and in which order units start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.units.units import (
    CreateCohort,
    Recovery,
    SharedTransfer,
    SingleTenant,
    Unit,
    units,
)
from reconciler.desired.tenant import Overrides, Tenant
from reconciler.live.project import LiveProject
from tests.harness.builders import a_fleet, a_pro_project, a_project, a_tenant, a_view, make_plan

if TYPE_CHECKING:
    from reconciler.plan.plan import TenantPlan

Case = tuple[Tenant, LiveProject | None]


def a_new_one(name: str) -> Case:
    return a_tenant(name), None


def an_upgrade(name: str) -> Case:
    return a_tenant(name, "pro"), a_project(name)


def a_change(name: str) -> Case:
    return a_tenant(name, overrides=Overrides(quota={"data_transfer_bytes": 1})), a_project(name)


def a_downgrade(name: str) -> Case:
    return a_tenant(name), a_pro_project(name)


def a_deletion(name: str) -> Case:
    return a_tenant(name, absent=True), a_project(name)


def planned(*cases: Case) -> tuple[TenantPlan, ...]:
    live = a_view(*(project for _, project in cases if project))
    return make_plan(a_fleet(*(tenant for tenant, _ in cases)), live).tenants


def members(unit: Unit) -> list[str]:
    tenants = (unit.tenant,) if isinstance(unit, SingleTenant | Recovery) else unit.tenants
    return [tenant.tenant for tenant in tenants]


def test_creations_share_a_check_and_more_of_them_in_a_fleet_whose_list_takes_many_calls() -> None:
    plans = planned(*(a_new_one(f"t{i:04d}") for i in range(1001)))

    def sizes(listed: dict[str, int]) -> list[int]:
        return [len(members(unit)) for unit in units(plans, listed=listed)]

    assert sizes({}) == [400, 400, 201]
    assert sizes({"free": 4000, "paid": 399}) == [400, 400, 201]
    assert sizes({"free": 30_000, "paid": 3000}) == [1001]


def test_those_who_move_together_were_on_the_same_pages_of_the_list() -> None:
    plans = planned(*(an_upgrade(f"t{i:03d}") for i in range(800)))
    pages = {f"p-t{i:03d}": i % 2 for i in range(800)}
    first, second = units(plans, pages)
    assert {int(name[1:]) % 2 for name in members(first)} == {0}
    assert {int(name[1:]) % 2 for name in members(second)} == {1}


def test_what_gives_starts_before_what_takes() -> None:
    plans = planned(a_deletion("a"), a_downgrade("b"), a_change("c"), an_upgrade("d"), a_new_one("e"))
    started = units(plans)
    assert [members(unit) for unit in started] == [["e"], ["d"], ["c"], ["b"], ["a"]]
    assert [type(unit) for unit in started] == [
        CreateCohort,
        SharedTransfer,
        SingleTenant,
        SharedTransfer,
        SingleTenant,
    ]


def test_four_hundred_tenants_on_one_route_share_one_call_and_one_more_takes_a_second() -> None:
    assert len(units(planned(*(an_upgrade(f"t{i}") for i in range(400))))) == 1
    first, second = units(planned(*(an_upgrade(f"t{i}") for i in range(401))))
    assert (len(members(first)), len(members(second))) == (400, 1)


def test_changes_and_deletions_begin_in_the_order_of_the_list() -> None:
    """Then those whose turn comes at a time are on one page of it."""
    plans = planned(*map(a_change, "abcde"), *map(a_deletion, "xyz"))
    pages = {"p-a": 2, "p-b": 0, "p-c": 1, "p-d": 0, "p-e": 2, "p-x": 1, "p-y": 0, "p-z": 0}
    assert "".join(name for unit in units(plans, pages) for name in members(unit)) == "bdcaeyzx"


def test_opposite_routes_never_share_a_call() -> None:
    first, second = units(planned(an_upgrade("up"), a_downgrade("down")))
    assert isinstance(first, SharedTransfer)
    assert isinstance(second, SharedTransfer)
    assert (first.source, first.destination) == ("free", "paid")
    assert (second.source, second.destination) == ("paid", "free")


@given(st.lists(st.sampled_from([a_new_one, an_upgrade, a_change, a_downgrade, a_deletion]), max_size=12))
def test_every_tenant_of_the_plan_is_in_exactly_one_unit(kinds: list[object]) -> None:
    cases = [make(f"t{i:02}") for i, make in enumerate(kinds)]  # type: ignore[operator]
    plans = planned(*cases)
    assert sorted(name for unit in units(plans) for name in members(unit)) == [plan.tenant for plan in plans]
    assert units(plans) == units(plans)
