"""Moments in time: expiry, the restore window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.moments import rfc3339

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.live.project import LiveBranch


def expired(moment: datetime | None, now: datetime) -> bool:
    """Whether an expiry has passed; what is expired is no longer desired."""
    return moment is not None and moment <= now


def outside_window(moment: datetime, window_seconds: int | None, now: datetime) -> str | None:
    """Why nothing can be made of that moment; None where it lies in the restore window, or none is known."""
    if moment > now:
        return f"{rfc3339(moment)} is yet to come"
    if window_seconds is not None and (now - moment).total_seconds() > window_seconds:
        return f"{rfc3339(moment)} lies before the restore window"
    return None


def unreadable(moment: datetime, branch: LiveBranch, what: str = "branch") -> str | None:
    """Why a branch cannot be read as it was at that moment; None where nothing is known against it."""
    if moment < branch.created_at:
        return f"{rfc3339(moment)} lies before {what} {branch.name!r} was created"
    if branch.reset_at is not None and moment < branch.reset_at:
        return f"{rfc3339(moment)} lies before {what} {branch.name!r} was reset"
    if branch.restored:
        return f"{what} {branch.name!r} was restored from a snapshot, and Neon reads no earlier moment of it"
    return None
