"""The month whose cost is asked for, and the one span of the consumption history that covers it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from reconciler.errors import InvalidInputError
from reconciler.live.consumption import Span
from reconciler.usage.period import CLOCKS_APART, HOURLY_REACH, Period, period_of

DAILY_REACH: Final = timedelta(days=59)
"""Neon: daily values reach back 60 days. One day less: a run may take time."""
MONTHLY_REACH: Final = timedelta(days=364)
"""Neon: monthly values reach back a year. One day less, as above."""
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def read_month(text: str) -> date:
    """The first day of a month as it is written: 2026-10. Raises InvalidInputError."""
    found = _MONTH.fullmatch(text)
    if found is None or found[1] == "0000":
        raise InvalidInputError(f"--month {text!r} is not a month", hint="as in 2026-10")
    return date(int(found[1]), int(found[2]), 1)


def last_month(now: datetime) -> date:
    """The first day of the month before this one, in UTC."""
    return (period_of(now).start - timedelta(days=1)).date().replace(day=1)


def billing_month(day: date | None, now: datetime) -> Period:
    """The month of a day; None is this month. Raises InvalidInputError if Neon has no record of it (any more)."""
    if day is None:
        return period_of(now)
    period = period_of(datetime(day.year, day.month, 1, tzinfo=UTC))
    if period.start > now:
        raise InvalidInputError(
            f"the month {name_of(period)} has not begun", hint=f"this month is {name_of(period_of(now))}"
        )
    if now - period.start > MONTHLY_REACH:
        oldest = period_of(now - MONTHLY_REACH).end
        raise InvalidInputError(
            f"Neon keeps no record of {name_of(period)}: its history reaches back a year",
            hint=f"the oldest month is {oldest:%Y-%m}; keep reports of older ones with --output",
        )
    return period


def name_of(period: Period) -> str:
    """``2026-10``."""
    return f"{period.start:%Y-%m}"


def span_of(period: Period, now: datetime) -> Span | None:
    """The span that covers the month, or as much of it as is over, in one call; None if no hour of it is.

    By hour early in a month, otherwise until the last midnight (UTC). Older months only have one value each.
    """
    if period.end <= now - CLOCKS_APART:
        recent = now - period.start <= DAILY_REACH
        return Span(period.start, period.end, "daily" if recent else "monthly")
    hour = (now - CLOCKS_APART).replace(minute=0, second=0, microsecond=0)
    if hour - period.start <= HOURLY_REACH:
        return Span(period.start, hour, "hourly") if hour > period.start else None
    return Span(period.start, hour.replace(hour=0), "daily")
