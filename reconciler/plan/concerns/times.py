"""Times: how they are written, what lies in the restore window, and when a branch expires."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.moments import rfc3339
from reconciler.plan.change import FieldChange, Origin, Risk
from reconciler.plan.concerns.ways import EXPIRY
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from reconciler.live.project import LiveBranch
    from reconciler.plan.case import Case


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


LONGEST_LIFE: Final = timedelta(days=30)
"""Neon: how far ahead a branch may expire."""


def path(thing: str) -> str:
    """The field path of the expiry of a branch or snapshot, whose own path is given."""
    return f"{thing}{EXPIRY}"


def moved(case: Case, thing: str, live: datetime | None, until: datetime | None) -> Iterator[FieldChange]:
    """Where the live expiry is another one than the files state, to the second. An earlier one takes data sooner.

    One that only stands live ends where a commit took it from the files; else the guards leave it and report it.
    """
    before, after = (None if moment is None else rfc3339(moment) for moment in (live, until))
    if before == after:
        return
    sooner = until is not None and (live is None or until < live)
    risk = Risk.DESTRUCTIVE if sooner else Risk.SAFE
    yield case.caused(FieldChange(path(thing), before, after, risk, lowering=sooner))


def moved_of_branch(case: Case, thing: str, live: LiveBranch, until: datetime | None) -> Iterator[FieldChange]:
    """The same of a branch. What Neon moved by a reset stays, unless a commit asks for another moment."""
    for change in moved(case, thing, live.expires_at, until):
        if until is None or not live.moved_by_a_reset or change.origin is Origin.CONFIG:
            yield change


def reset_note(case: Case, what: str, live: LiveBranch, until: datetime | None) -> Iterator[Note]:
    """That a branch lasts until another moment than the file states, because a reset gave it its time again."""
    if until is not None and live.moved_by_a_reset and live.expires_at != until:
        ends = f"{what} was reset, and expires at {rfc3339(live.expires_at)}" if live.expires_at else what
        yield Note(case.tenant.name, f"{ends}: its file says {rfc3339(until)}", case.tenant.location)


def ends_an_expiry(change: FieldChange) -> bool:
    """Whether the change takes an expiry away, so that the branch stays."""
    return change.after is None and change.path.endswith(EXPIRY)


def too_far(until: datetime | None, now: datetime) -> str | None:
    """Why no branch can be given this expiry."""
    if until is None or until <= now + LONGEST_LIFE:
        return None
    return f"it is to expire at {rfc3339(until)}, more than {LONGEST_LIFE.days} days ahead"


def hindrance(case: Case, live: LiveBranch, until: datetime | None, parents: Collection[str | None]) -> str | None:
    """Why a live branch cannot be given this expiry (Neon: branch expiration); none hinders its end."""
    if until is None:
        return None
    if far := too_far(until, case.now):
        return far
    if live.protected:
        return "it is protected in Neon"
    return "it has children" if live.id in parents else None
