"""Which spans of the consumption history cover the billing period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.usage.period import period_of, spans

START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(), timedelta(days=1500)).map(lambda later: START + later)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-12-31T23:59:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2028-02-29T00:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
    ],
)
def test_a_period_is_a_calendar_month(now: str, start: str, end: str) -> None:
    period = period_of(datetime.fromisoformat(now))
    assert (period.start, period.end) == (datetime.fromisoformat(start), datetime.fromisoformat(end))


@given(MOMENTS)
def test_the_spans_follow_each_other_from_the_start_of_the_month_to_the_last_full_hour(now: datetime) -> None:
    period = period_of(now)
    covered = period.start
    for span in spans(period, now):
        assert span.start == covered
        covered = span.end
    assert now - covered <= timedelta(hours=1, minutes=1)


@given(MOMENTS)
def test_no_span_ends_in_the_future_or_reaches_further_back_than_neon_allows(now: datetime) -> None:
    for span in spans(period_of(now), now):
        assert span.start < span.end < now
        if span.granularity == "hourly":
            assert now - span.start < timedelta(hours=168)
        else:
            assert (span.start.hour, span.end.hour) == (0, 0)


def test_early_in_a_month_one_call_is_enough() -> None:
    at = datetime(2026, 11, 5, 12, 30, tzinfo=UTC)
    assert [span.granularity for span in spans(period_of(at), at)] == ["hourly"]


def test_in_the_first_minutes_of_a_month_nothing_is_known_yet() -> None:
    at = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
    assert spans(period_of(at), at) == ()
