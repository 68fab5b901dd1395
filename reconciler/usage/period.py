"""The billing period, and the spans of the consumption history that cover it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from reconciler.live.consumption import Span
from reconciler.model.moments import month_of

HOURLY_REACH: Final = timedelta(days=6)
"""Neon: hourly values reach back 168 hours. One day less: a run may take time."""
CLOCKS_APART: Final = timedelta(minutes=1)
"""Neon rejects a span that ends in the future; its clock may be behind by this much."""


class Period(Struct, frozen=True):
    """A billing period. Neon: quotas are counted by calendar month, in UTC."""

    start: datetime
    end: datetime


def period_of(now: datetime) -> Period:
    """The billing period at a time."""
    start = month_of(now)
    return Period(start, (start + timedelta(days=32)).replace(day=1))


def spans(period: Period, now: datetime) -> tuple[Span, ...]:
    """The spans that cover the period until the last full hour: by hour early in a month, else by day and hour.

    Neon rounds both ends of a span down to its granularity, so days alone would leave out today.
    """
    hour = (now - CLOCKS_APART).replace(minute=0, second=0, microsecond=0)
    if hour - period.start <= HOURLY_REACH:
        return (Span(period.start, hour, "hourly"),) if hour > period.start else ()
    day = hour.replace(hour=0)
    days = Span(period.start, day, "daily")
    return (days, Span(day, hour, "hourly")) if hour > day else (days,)
