"""Moments in time: expiry, the restore window, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime


def expired(moment: datetime | None, now: datetime) -> bool:
    """Whether an expiry has passed; what is expired is no longer desired."""
    return moment is not None and moment <= now


def outside_window(moment: datetime, window_seconds: int | None, now: datetime) -> str | None:
    """Why nothing can be made of that moment; None where it lies in the restore window, or none is known."""
    if moment > now:
        return f"{text(moment)} is yet to come"
    if window_seconds is not None and (now - moment).total_seconds() > window_seconds:
        return f"{text(moment)} lies before the restore window"
    return None


def text(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second: what Neon keeps of a moment."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
