"""``apply --advance``: moves the base, and prints where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.selection import Depth
from reconciler.errors import NotAdvancedError
from reconciler.files.freshness import SHORT
from reconciler.plan.applied import Ended, to_be_tried
from reconciler.plan.concerns import NAMES
from reconciler.views.console import say
from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.files.advance import Base, Moved
    from reconciler.fleet import Planned, Request
    from reconciler.plan.outcome import Report

NAMED: Final = 5
"""Tenants with an older base that are printed by name."""


def trying(base: Base, desired: DesiredState, request: Request, planned: Planned) -> Base:
    """The base with a record of the tenants that the run is about to change, for the run after one that dies."""
    return base.trying(to_be_tried(desired, request.past, planned.plan), int(planned.at.timestamp()))


def advance(base: Base, desired: DesiredState, request: Request, planned: Planned, report: Report) -> bool:
    """Moves the base of every tenant that is done, and prints it. False if the tag could not be written."""
    ended = Ended(
        desired=desired,
        history=request.past,
        plan=planned.plan,
        report=report,
        selection=request.selection,
        whole=set(request.only) == set(NAMES) and request.depth is not Depth.LIST,
        stale=[stale.tenant for stale in planned.stale],
    )
    try:
        moved = base.advance(ended, int(report.finished_at.timestamp()))
    except NotAdvancedError as error:
        say(f"error: {error}")
        say(f"hint: {error.hint}; the next run includes the tenants of this run again")
        return False
    say(_told(base, moved))
    return True


def _told(base: Base, moved: Moved) -> str:
    where = f"here and at {printable(moved.remote)}" if moved.remote else "here alone, at no remote"
    names = [printable(name) for name in moved.applied.owed]
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    owed = f"; older for {', '.join(names[:NAMED])}{more}" if names else ""
    return f"base: {printable(base.ref)} is at {moved.applied.commit[:SHORT]}{owed} ({where})"
