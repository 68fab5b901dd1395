"""Times: how they are written, what lies in the restore window, and when a branch expires."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.moments import rfc3339
from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import changed_in_copy
from reconciler.plan.concerns.reductions import EXPIRY
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from reconciler.live.project import LiveBranch
    from reconciler.plan.change import FieldChange
    from reconciler.plan.comparison import Comparison


def expired(moment: datetime | None, now: datetime) -> bool:
    """Return whether an expiry has passed; what has expired is no longer desired."""
    return moment is not None and moment <= now


def outside_window(moment: datetime, window_seconds: int | None, now: datetime) -> str | None:
    """Return why this time cannot be restored; None if it is in the restore window, or the window is unknown."""
    if moment > now:
        return f"{rfc3339(moment)} is in the future"
    if window_seconds is not None and (now - moment).total_seconds() > window_seconds:
        return f"{rfc3339(moment)} is before the start of the restore window"
    return None


AT: Final = ".at"


def moment_key(path: str, moment: datetime) -> str:
    """Return a declared moment of a branch or a snapshot as a record of a run names it."""
    return f"{path}{AT} {rfc3339(moment)}"


def declared_moments(fields: Mapping[str, object]) -> frozenset[str]:
    """Return the declared moments among the fields of a tenant, in the same form."""
    return frozenset(f"{path} {value}" for path, value in fields.items() if path.endswith(AT))


def rejected(comparison: Comparison, thing: str, moment: datetime) -> str | None:
    """Return why this moment is not tried again; None if Neon has not rejected it before."""
    if moment_key(thing, moment) not in comparison.rejected:
        return None
    return f"Neon holds no data of {rfc3339(moment)}: it rejected the moment in an earlier run"


def unreadable(moment: datetime, branch: LiveBranch, what: str = "branch") -> str | None:
    """Return why the branch cannot be read at this time, or None."""
    if moment < branch.created_at:
        return f"{rfc3339(moment)} is before the creation of {what} {branch.name!r}"
    if branch.reset_at is not None and moment < branch.reset_at:
        return f"{rfc3339(moment)} is before the reset of {what} {branch.name!r}"
    if branch.restored:
        return f"{what} {branch.name!r} was restored from a snapshot, and Neon cannot read earlier data of it"
    return None


LONGEST_LIFE: Final = timedelta(days=30)
"""Neon: a branch may expire at most this far in the future."""


def path(thing: str) -> str:
    """Return the field path of the expiry of a branch or snapshot with this path."""
    return f"{thing}{EXPIRY}"


def moved(
    comparison: Comparison, thing: str, live: datetime | None, until: datetime | None
) -> Iterator[FieldChange]:
    """Yield the change of an expiry that differs from the file, to the second. An earlier expiry is destructive.

    A live expiry that the file does not declare is removed only if a commit removed it from the file; the
    guards report any other.
    """
    before, after = (None if moment is None else rfc3339(moment) for moment in (live, until))
    if before == after:
        return
    yield comparison.caused(changed_in_copy(thing, EXPIRY.removeprefix("."), before, after))


def moved_of_branch(
    comparison: Comparison, thing: str, live: LiveBranch, until: datetime | None
) -> Iterator[FieldChange]:
    """Yield the same for a branch. An expiry that a reset moved stays, unless a commit asks for another one."""
    for change in moved(comparison, thing, live.expires_at, until):
        if until is None or not live.moved_by_a_reset or change.origin is Origin.CONFIG:
            yield change


def reset_note(comparison: Comparison, what: str, live: LiveBranch, until: datetime | None) -> Iterator[Note]:
    """Note that a reset extended the branch's expiry beyond the one in the file."""
    if until is not None and live.moved_by_a_reset and live.expires_at != until:
        ends = f"{what} was reset and expires at {rfc3339(live.expires_at)}" if live.expires_at else what
        yield Note.about(comparison.tenant, f"{ends}: the file declares {rfc3339(until)}")


def ends_an_expiry(change: FieldChange) -> bool:
    """Return whether the change removes an expiry."""
    return change.after is None and change.path.endswith(EXPIRY)


def _would_end_a_namesake(comparison: Comparison, thing: str, live: LiveBranch, until: datetime) -> bool:
    """Return whether a commit declares a new branch with an expiry, under the name of one that somebody made.

    A restored branch has lost its annotation, which the branch in whose place it is still has.
    """
    if live.expires_at is not None and live.expires_at <= until:
        return False
    if any(thing in before for before in comparison.earlier):
        return False
    return thing.partition(".")[2] not in comparison.own_branches


def too_far(until: datetime | None, now: datetime) -> str | None:
    """Return why no branch can have this expiry, or None."""
    if until is None or until <= now + LONGEST_LIFE:
        return None
    return f"expires_at {rfc3339(until)} is more than {LONGEST_LIFE.days} days in the future"


def hindrance(
    comparison: Comparison,
    thing: str,
    live: LiveBranch,
    until: datetime | None,
    parents: Collection[str | None],
    *,
    protected: bool,
) -> str | None:
    """Return why this expiry of a live branch cannot be set, or None (Neon: branch expiration).

    ``thing`` is the path of the declared branch or snapshot. ``protected`` says whether it stays protected.
    """
    if until is None:
        return None
    if _would_end_a_namesake(comparison, thing, live, until):
        return "it existed before any file declared it, and no run created it: the expiry would delete it"
    if far := too_far(until, comparison.now):
        return far
    if protected:
        return "it is protected in Neon"
    return "it has child branches" if live.id in parents else None
