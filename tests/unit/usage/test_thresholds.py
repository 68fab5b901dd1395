"""Shares, thresholds and forecasts, to the unit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.usage.thresholds import day_reached, highest_crossed, percent_of

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
AMOUNTS = st.integers(1, 2**63 - 1)


@pytest.mark.parametrize(
    ("used", "limit", "threshold"),
    [
        (79_999, 100_000, None),
        (80_000, 100_000, 80),
        (94_999, 100_000, 80),
        (95_000, 100_000, 95),
        (7, 3, 95),
        (0, 1, None),
    ],
)
def test_the_highest_threshold_that_is_reached_counts(used: int, limit: int, threshold: int | None) -> None:
    assert highest_crossed((80, 95), used, limit) == threshold


@given(AMOUNTS, AMOUNTS)
def test_a_percentage_never_says_more_than_there_is(used: int, limit: int) -> None:
    tenths = round(percent_of(used, limit) * 10)
    assert used * 1000 // limit == tenths or used * 1000 // limit > 2**53


def test_a_quota_is_reached_on_the_day_that_the_average_rate_leads_to() -> None:
    now = BEGUN + timedelta(days=10)
    assert day_reached(50, 100, BEGUN, now, END) == date(2026, 11, 21)


@pytest.mark.parametrize(
    ("used", "days"),
    [(33, 10), (0, 10), (100, 10), (101, 10), (99, 0.9)],
    ids=["only after the period", "unused", "just reached", "exceeded", "too early to tell"],
)
def test_no_day_is_named(used: int, days: float) -> None:
    assert day_reached(used, 100, BEGUN, BEGUN + timedelta(days=days), END) is None


@given(AMOUNTS, AMOUNTS, st.timedeltas(timedelta(), timedelta(days=29)))
def test_a_day_lies_between_now_and_the_horizon(used: int, limit: int, elapsed: timedelta) -> None:
    now = BEGUN + elapsed
    day = day_reached(used, limit, BEGUN, now, END)
    assert day is None or now.date() <= day <= END.date()
