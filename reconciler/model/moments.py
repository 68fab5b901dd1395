"""Moments as text: RFC 3339 in UTC, as Neon and the documents of this program write them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """``2026-11-23T09:00:00Z``: to the second, which is what Neon keeps of a moment."""
    return rfc3339_exact(moment.replace(microsecond=0))


def rfc3339_exact(moment: datetime) -> str:
    """The same with the fraction of the second, where there is one: nothing is lost."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
