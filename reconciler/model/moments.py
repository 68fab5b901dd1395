"""Moments in UTC, and their text: RFC 3339, as Neon and the documents of this program write it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)
"""The ends of the calendar."""


def rfc3339(moment: datetime) -> str:
    """``2026-11-23T09:00:00Z``: to the second, which is what Neon keeps of a moment."""
    return rfc3339_exact(moment.replace(microsecond=0))


def rfc3339_exact(moment: datetime) -> str:
    """The same with the fraction of the second, where there is one: nothing is lost."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def month_of(moment: datetime) -> datetime:
    """When the calendar month of a moment began. Neon: quotas are counted by calendar month, in UTC."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def utc_text(moment: datetime) -> str:
    """Return a UTC time for a message, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a zone is taken to be in UTC, one that UTC's calendar lacks to be its end."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == FIRST.year else LAST
