"""What use costs: exact sums, in Neon's units, whatever the numbers are."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.prices import CHARGES, COMPUTE, DATA_TRANSFER, STORAGE, Prices, Rates
from reconciler.desired.selection import Selection
from reconciler.live.consumption import Metered, Span
from reconciler.live.state import LiveState
from reconciler.model.problem import Location, Severity
from reconciler.usage.costing import Costing, CostScope, charges, notes, scope, tiers, total_cost, used
from tests.harness.builders import NOON, a_fleet, a_project, a_tenant
from tests.harness.structs import built

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject
    from reconciler.usage.cost import TenantCost

AT: Final = Location("tiers.yaml", 7, 10)
LIST: Final = {
    "compute_hour": Decimal("0.106"),
    "storage_gb_month": Decimal("0.35"),
    "data_transfer_gb": Decimal("0.10"),
}
NAMES: Final = ("acme", "bob", "eve")


def a_price_list(rates: Rates, **own: Rates) -> Prices:
    return Prices(date(2026, 11, 12), AT, rates=rates, own=own)


amounts = st.integers(0, 10**16)
metered = st.builds(
    Metered,
    compute_unit_seconds=st.integers(0, 10**9),
    root_branch_byte_hours=amounts,
    child_branch_byte_hours=amounts,
    restore_byte_hours=amounts,
    public_transfer_bytes=amounts,
    private_transfer_bytes=amounts,
    snapshot_byte_hours=amounts,
    extra_branch_hours=st.integers(0, 10**6),
)
money = st.decimals(0, 10, places=4)
rates = built(
    Rates,
    prices=st.fixed_dictionaries({}, optional={charge.key: money for charge in CHARGES}),
    data_transfer_included_gb=st.decimals(0, 10**7, places=2),
    sponsored=st.booleans(),
)


def costing(
    prices: Prices, histories: list[Metered], *, whole: bool = True, refused: tuple[str, ...] = ()
) -> Costing:
    """Two tenants in organization free, one in paid, and a project of nobody in each."""
    homes = ("free", "free", "paid")
    pairs = [(a_tenant(name), a_project(name, organization=home)) for name, home in zip(NAMES, homes, strict=True)]
    nobody = [a_project(f"nobody-{home}", organization=home) for home in ("free", "paid")]
    every: list[LiveProject] = [project for _, project in pairs] + (nobody if whole else [])
    projects = {home: tuple(one for one in every if one.organization == home) for home in ("free", "paid")}
    known = {project.id: found for project, found in zip(every, histories, strict=False)}
    seen = CostScope(tuple(pairs), projects, frozenset(projects) if whole else frozenset(), tuple(projects))
    return Costing(prices, seen, known, refused)


def total(costs: list[Decimal]) -> Decimal:
    return sum(costs, Decimal(0))


@given(rates, rates, st.lists(metered, min_size=5, max_size=5), st.booleans())
def test_tenants_and_other_projects_add_up_to_their_organization_to_the_last_digit(
    common: Rates, own: Rates, histories: list[Metered], whole: bool
) -> None:
    found = costing(a_price_list(common, paid=own), histories, whole=whole)
    tenants = found.tenants()
    for one in found.organizations(tenants):
        mine = total([tenant.cost for tenant in tenants if tenant.organization == one.organization])
        assert one.cost == mine + one.other_projects - one.included
        assert total_cost(one.charges) <= one.cost + one.included
        assert 0 <= one.included <= mine + one.other_projects
    by_tier = tiers(a_fleet(), tenants)
    assert total([one.cost for one in by_tier]) == total([one.cost for one in tenants])


@given(rates, metered, metered)
def test_more_use_never_costs_less(common: Rates, some: Metered, more: Metered) -> None:
    assert total_cost(charges(some, common)) <= total_cost(charges(some.plus(more), common))


@given(rates, rates, st.lists(metered, min_size=5, max_size=5), st.lists(metered, min_size=5, max_size=5))
def test_an_organization_that_uses_more_never_pays_less(
    common: Rates, own: Rates, some: list[Metered], more: list[Metered]
) -> None:
    prices = a_price_list(common, paid=own)

    def paid(histories: list[Metered]) -> list[Decimal]:
        found = costing(prices, histories)
        return [one.cost for one in found.organizations(found.tenants())]

    grown = [one.plus(other) for one, other in zip(some, more, strict=True)]
    cent = Decimal("0.00001")
    assert all(before <= after + cent for before, after in zip(paid(some), paid(grown), strict=True))


@given(metered)
def test_a_sponsored_organization_pays_nothing(use: Metered) -> None:
    assert total_cost(charges(use, Rates(LIST, sponsored=True))) == 0


@pytest.mark.parametrize(
    ("charge", "measured", "quantity", "cost"),
    [
        (COMPUTE, 500_000, "138.888889", "14.722222"),
        (STORAGE, 2_500_000_000_000, "3.360215", "1.176075"),
        (STORAGE, 1_488_000_000_000, "2.000000", "0.700000"),
        (DATA_TRANSFER, 50 * 10**9, "50.000000", "5.000000"),
    ],
    ids=str,
)
def test_the_units_are_those_of_neons_own_examples(
    charge: object, measured: int, quantity: str, cost: str
) -> None:
    """https://neon.com/docs/introduction/usage-calculations, 2026-05-28."""
    found = next(one for one in CHARGES if one == charge)
    assert (str(found.quantity(measured)), str(Rates(LIST).cost(found, measured))) == (quantity, cost)


def test_what_has_no_price_is_told_and_costs_nothing() -> None:
    use = Metered(compute_unit_seconds=3600, snapshot_byte_hours=744 * 10**9)
    found = charges(use, Rates(LIST))
    assert [(one.charge, one.cost) for one in found] == [("compute", Decimal("0.106000")), ("snapshots", None)]
    whole = costing(a_price_list(Rates(LIST)), [use] * 5)
    (note,) = notes(whole, whole.organizations(whole.tenants()), Span(NOON, NOON, "daily"))
    assert note.message == "used, and without a price in tiers.yaml: snapshots (prices.snapshot_gb_month)"


def test_the_transfer_that_is_included_is_taken_off_the_whole_organization_once() -> None:
    hundred = Rates(LIST, data_transfer_included_gb=Decimal(100))
    use = [Metered(public_transfer_bytes=60 * 10**9)] * 5
    found = costing(a_price_list(hundred), use)
    free, paid = found.organizations(found.tenants())
    assert (free.cost, free.included) == (Decimal(8), Decimal(10))
    assert (paid.cost, paid.included) == (Decimal(2), Decimal(10))


def test_no_more_is_taken_off_than_was_charged() -> None:
    """Four bytes cost nothing, and twelve of them a millionth."""
    dear = Rates({"data_transfer_gb": Decimal(100)}, data_transfer_included_gb=Decimal(1))
    found = costing(a_price_list(dear), [Metered(public_transfer_bytes=4)] * 5)
    assert dear.included_transfer(12) > 0
    assert [one.cost for one in found.organizations(found.tenants())] == [0, 0]


def test_of_a_part_of_an_organization_nothing_is_included_and_a_note_says_so() -> None:
    hundred = Rates(LIST, data_transfer_included_gb=Decimal(100))
    found = costing(a_price_list(hundred), [Metered(public_transfer_bytes=60 * 10**9)] * 5, whole=False)
    organizations = found.organizations(found.tenants())
    assert [one.included for one in organizations] == [0, 0]
    told = [note.message for note in notes(found, organizations, Span(NOON, NOON, "daily"))]
    assert (
        told[0]
        == "the 100 GB of transfer that are included for organization free are not subtracted for a part of it"
    )


def test_an_organization_without_a_history_has_no_cost_rather_than_none_at_all() -> None:
    found = costing(a_price_list(Rates(LIST)), [Metered(compute_unit_seconds=3600)] * 5, refused=("free",))
    tenants: tuple[TenantCost, ...] = found.tenants()
    assert [one.tenant for one in tenants] == ["eve"]
    assert found.unread() == ("acme", "bob")
    assert [one.organization for one in found.organizations(tenants)] == ["paid"]


def test_the_branches_that_cost_nothing_are_those_included_but_the_default_one() -> None:
    assert [Rates(branches_included=count).free_child_branches for count in (None, 1, 10)] == [0, 0, 9]
    assert used(Metered(child_branch_hours=50, extra_branch_hours=7))[CHARGES[4]] == 7


def test_a_sponsored_organization_is_read_only_if_it_is_named() -> None:
    desired = a_fleet(*map(a_tenant, NAMES))
    live = LiveState(projects=tuple(a_project(name) for name in NAMES), listed={"free": 3, "paid": 0})
    prices = a_price_list(Rates(LIST), free=Rates(LIST, sponsored=True))
    every = scope(desired, prices, live, Selection())
    named = scope(desired, prices, live, Selection(), ("free",))
    assert (every.read, named.read, sorted(named.whole)) == (("paid",), ("free",), ["free"])
    assert [tenant.name for tenant, _ in every.matched] == list(NAMES)


def test_projects_of_no_tenant_belong_to_a_whole_organization_only() -> None:
    desired = a_fleet(a_tenant("acme"), a_tenant("bob"))
    live = LiveState(projects=tuple(a_project(name) for name in NAMES), listed={"free": 3, "paid": 0})
    some = scope(desired, a_price_list(Rates(LIST)), live, Selection(tenants=("acme",)))
    assert [one.name for one in some.projects["free"]] == ["myapp-acme"]
    assert some.whole == frozenset()
    whole = scope(desired, a_price_list(Rates(LIST)), live, Selection())
    assert len(whole.projects["free"]) == 3


def test_prices_of_a_day_to_come_are_an_error_and_old_ones_a_warning() -> None:
    prices = a_price_list(Rates(LIST))
    today = prices.as_of
    (early,) = prices.problems(today - timedelta(days=1))
    assert (early.severity, early.location) == (Severity.ERROR, AT)
    assert early.message == "prices.as_of 2026-11-12 is in the future (today is 2026-11-11)"
    assert list(prices.problems(today)) == list(prices.problems(today + timedelta(days=366))) == []
    (old,) = prices.problems(today + timedelta(days=367))
    assert (old.severity, "more than a year ago" in old.message) == (Severity.WARNING, True)


def test_a_month_of_its_own_says_that_branches_are_counted_coarsely() -> None:
    found = costing(a_price_list(Rates({**LIST, "branch_month": Decimal(1)})), [Metered(1)] * 5)
    organizations = found.organizations(found.tenants())
    span = Span(datetime(2026, 5, 1, tzinfo=NOON.tzinfo), datetime(2026, 6, 1, tzinfo=NOON.tzinfo), "monthly")
    assert span.frame_hours == 31 * 24
    assert any("their cost may be too low" in note.message for note in notes(found, organizations, span))
    assert not list(notes(found, organizations, Span(span.start, span.end, "daily")))
