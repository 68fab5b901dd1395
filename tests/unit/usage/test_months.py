"""The month that is asked for, and the one call per group of projects that covers it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from reconciler.errors import InvalidInputError
from reconciler.usage.months import billing_month, last_month, name_of, read_month, span_of

NOW = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)


def span(month: date | None, now: datetime = NOW) -> tuple[str, str, str] | None:
    found = span_of(billing_month(month, now), now)
    if found is None:
        return None
    return f"{found.start:%m-%d %H}", f"{found.end:%m-%d %H}", found.granularity


def test_this_month_is_counted_until_the_last_midnight() -> None:
    assert span(None) == ("11-01 00", "11-29 00", "daily")


def test_early_in_a_month_it_is_counted_until_the_last_hour() -> None:
    assert span(None, NOW.replace(day=6)) == ("11-01 00", "11-06 12", "hourly")
    assert span(None, NOW.replace(day=1, hour=0)) is None


def test_a_recent_month_is_counted_by_days_and_an_older_one_as_a_whole() -> None:
    assert span(date(2026, 10, 1), NOW.replace(day=28)) == ("10-01 00", "11-01 00", "daily")
    assert span(date(2026, 9, 17)) == ("09-01 00", "10-01 00", "monthly")


def test_a_month_that_has_just_ended_waits_for_neons_clock() -> None:
    now = datetime(2026, 12, 1, 0, 0, 30, tzinfo=UTC)
    assert span(date(2026, 11, 1), now) == ("11-01 00", "11-30 00", "daily")


@pytest.mark.parametrize(
    ("month", "message"),
    [
        (date(2026, 12, 1), "the month 2026-12 has not begun"),
        (date(2025, 11, 1), "Neon keeps no record of 2025-11: its history reaches back a year"),
    ],
    ids=str,
)
def test_a_month_without_a_record_is_refused(month: date, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as raised:
        billing_month(month, NOW)
    assert raised.value.hint


def test_the_oldest_month_that_a_refusal_names_is_accepted() -> None:
    with pytest.raises(InvalidInputError) as raised:
        billing_month(date(2020, 1, 1), NOW)
    assert raised.value.hint is not None
    oldest = raised.value.hint.split()[4].rstrip(";")
    assert name_of(billing_month(read_month(oldest), NOW)) == oldest == "2025-12"


@pytest.mark.parametrize("text", ["2026-13", "2026", "2026-1", "last", "0000-01", "2026-10-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a month"):
        read_month(text)


def test_the_month_before_this_one() -> None:
    assert last_month(NOW) == date(2026, 10, 1)
    assert last_month(NOW.replace(month=1)) == date(2025, 12, 1)
