"""The cost as text is one page, however many tenants cost something."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from reconciler.plan.plan import Note
from reconciler.usage.cost import ChargeCost, Cost, OrganizationCost, TenantCost, TierCost
from reconciler.views.console import as_text
from reconciler.views.cost_text import amount, cost
from reconciler.views.money import money

ONE_PAGE = 60
START, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 29, tzinfo=UTC)


def a_cost(count: int, **fields: object) -> Cost:
    compute = ChargeCost("compute", Decimal(100), "CU-hours", Decimal("10.6"))
    transfer = ChargeCost("data_transfer", Decimal(3), "GB", None)
    tenants = tuple(
        TenantCost(f"t{number:05}", "pro", "paid", f"p-{number}", Decimal(number), (compute, transfer))
        for number in range(count)
    )
    whole = OrganizationCost(
        *("paid", True, True, False, count + 7, count, (compute, transfer)),
        other_projects=Decimal(12),
        included=Decimal(10),
        cost=Decimal("1234.5"),
    )
    free = OrganizationCost("free", True, False, True, 9, 9, (), Decimal(0), Decimal(0), Decimal(0))
    stated: dict[str, object] = {
        "fleet": "prod",
        "at": UNTIL,
        "month": "2026-11",
        "period_start": START,
        "until": UNTIL,
        "prices_as_of": date(2026, 11, 12),
        "currency": "USD",
        "cost": Decimal("1234.5"),
        "organizations": (whole, free),
        "tiers": (TierCost("pro", max(1, count), Decimal(count)),),
        "tenants": tenants,
        "without_project": tuple(f"m{number}" for number in range(count)),
        "unread": (),
        "notes": (Note(None, "a note"),),
        "left_out": 3,
        "calls": 41,
        "least_calls": 40,
    }
    return Cost(**{**stated, **fields})  # type: ignore[arg-type]


def test_ten_thousand_tenants_fit_on_one_page() -> None:
    told = as_text(cost(a_cost(10_000)))
    assert len(told.splitlines()) <= ONE_PAGE
    assert "and 9,989 more" in told
    assert "Cost: 1,234.50 USD in 2026-11 until 2026-11-29 00:00 UTC; 10,000 tenants." in told


def test_full_shows_every_tenant_that_costs_something_the_dearest_first() -> None:
    told = as_text(cost(a_cost(50), full=True))
    places = [told.index(f"t{number:05}") for number in range(49, 0, -1)]
    assert places == sorted(places)
    assert "t00000" not in told


def test_an_organization_says_what_it_pays_and_what_it_does_not() -> None:
    told = as_text(cost(a_cost(1)))
    lines = [line.split() for line in told.splitlines()]
    assert ["compute", "100.00", "CU-hours", "10.60"] in lines
    assert ["data", "transfer", "3.00", "GB", "no", "price"] in lines
    assert ["included", "of", "data", "transfer", "-10.00"] in lines
    assert ["of", "that", "projects", "of", "no", "tenant", "here", "12.00"] in lines
    assert "sponsored: it costs nothing; --organization free reads what it consumes" in told


def test_a_month_that_is_over_says_no_until() -> None:
    told = as_text(cost(a_cost(1, until=datetime(2026, 12, 1, tzinfo=UTC))))
    assert "Cost: 1,234.50 USD in 2026-11; 1 tenant." in told


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0", "0.00"),
        ("0.000021", "0.000021"),
        ("-0.5", "-0.50"),
        ("1234567.891", "1,234,567.89"),
        ("0.0021", "0.0021"),
    ],
)
def test_an_amount_below_a_cent_is_not_rounded_to_nothing(value: str, words: str) -> None:
    assert money(Decimal(value)) == words


@pytest.mark.parametrize(
    ("value", "words"), [("12.3456", "12.35 GB"), ("0.001234", "0.0012 GB"), ("0", "0.00 GB")]
)
def test_a_small_amount_keeps_two_digits(value: str, words: str) -> None:
    assert amount(ChargeCost("data_transfer", Decimal(value), "GB", None)) == words
