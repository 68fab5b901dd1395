"""Moments in time: expiry, the restore window, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.live.project import LiveBranch


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


def unreadable(moment: datetime, branch: LiveBranch, what: str = "branch") -> str | None:
    """Why a branch cannot be read as it was at that moment; None where nothing is known against it."""
    if moment < branch.created_at:
        return f"{text(moment)} lies before {what} {branch.name!r} was created"
    if branch.reset_at is not None and moment < branch.reset_at:
        return f"{text(moment)} lies before {what} {branch.name!r} was reset"
    if branch.restored:
        return f"{what} {branch.name!r} was restored from a snapshot, and Neon reads no earlier moment of it"
    return None


def text(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second: what Neon keeps of a moment."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
