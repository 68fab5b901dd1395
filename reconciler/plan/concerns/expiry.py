"""Until when a branch lasts: another moment, or none any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.plan.change import FieldChange, Risk
from reconciler.plan.concerns.moments import text
from reconciler.plan.concerns.ways import EXPIRY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from reconciler.live.project import LiveBranch
    from reconciler.plan.case import Case

LONGEST_LIFE: Final = timedelta(days=30)
"""Neon: how far ahead a branch may expire."""


def path(thing: str) -> str:
    """The field path of the expiry of a branch or snapshot, whose own path is given."""
    return f"{thing}{EXPIRY}"


def moved(case: Case, thing: str, live: datetime | None, until: datetime | None) -> Iterator[FieldChange]:
    """Where the live expiry is another one than the files state, to the second. An earlier one takes data sooner.

    One that only stands live ends where a commit took it from the files; else the guards leave it and report it.
    """
    before, after = (None if moment is None else text(moment) for moment in (live, until))
    if before == after:
        return
    sooner = until is not None and (live is None or until < live)
    risk = Risk.DESTRUCTIVE if sooner else Risk.SAFE
    yield case.caused(FieldChange(path(thing), before, after, risk, lowering=sooner))


def ends_an_expiry(change: FieldChange) -> bool:
    """Whether the change takes an expiry away, so that the branch stays."""
    return change.after is None and change.path.endswith(EXPIRY)


def too_far(until: datetime | None, now: datetime) -> str | None:
    """Why no branch can be given this expiry."""
    if until is None or until <= now + LONGEST_LIFE:
        return None
    return f"it is to expire at {text(until)}, more than {LONGEST_LIFE.days} days ahead"


def hindrance(case: Case, live: LiveBranch, until: datetime | None, parents: Collection[str | None]) -> str | None:
    """Why a live branch cannot be given this expiry (Neon: branch expiration); none hinders its end."""
    if until is None:
        return None
    if far := too_far(until, case.now):
        return far
    if live.protected:
        return "it is protected in Neon"
    return "it has children" if live.id in parents else None
