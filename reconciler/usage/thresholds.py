"""Shares, thresholds, and the day on which a quota is reached. Exact: no binary fractions decide."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

SHORTEST_BASIS: Final = timedelta(days=1)
"""The minimum time on which a forecast is based."""


def percent_of(used: int, limit: int) -> float:
    """The share in percent, rounded down to a tenth, so that it never says more than there is."""
    return (used * 1000 // limit) / 10


def highest_crossed(thresholds: Iterable[int], used: int, limit: int) -> int | None:
    """The highest of the thresholds (percent) that the used amount has reached."""
    return max((threshold for threshold in thresholds if used * 100 >= threshold * limit), default=None)


def day_reached(used: int, limit: int, begun: datetime, now: datetime, horizon: datetime) -> date | None:
    """The day on which the limit is reached at the average rate since ``begun``.

    None if it is reached already, not before ``horizon``, or if too little time has gone by.
    """
    elapsed = now - begun
    if elapsed < SHORTEST_BASIS or not 0 < used < limit:
        return None
    seconds = int(elapsed.total_seconds())
    if seconds * limit >= int((horizon - begun).total_seconds()) * used:
        return None
    return (begun + timedelta(seconds=seconds * limit // used)).date()
