"""The time line of a tenant's default branch: which branch holds its state of each moment.

A restore to an earlier moment begins a new stretch of the time line. The branch that it keeps holds the stretch
before. So the restore of a restore is found by the moment alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.kept_branches import is_kept, kept_until

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveProject

PRECISION: Final = timedelta(seconds=1)
"""Neon states times of branches to the second."""


class Stretch(Struct, frozen=True):
    """A part of the time line, which one branch holds."""

    branch: LiveBranch
    since: datetime
    """The first moment that can be read; the end if only the last state can."""
    until: datetime | None
    """When a restore ended it; None if it has not ended."""

    @property
    def last(self) -> datetime | None:
        """The last moment of a stretch that has ended: the current state of its branch."""
        return None if self.until is None else self.until - PRECISION

    def holds(self, moment: datetime, now: datetime) -> bool:
        """Return whether the branch has the state of this moment."""
        return min(self.since, self.last or now) <= moment < (self.until or now + PRECISION)

    def at(self, moment: datetime) -> datetime | None:
        """Return the moment to ask Neon for; None is the current state of a branch that a restore has left."""
        return None if self.last is not None and moment >= self.last else moment


class Timeline(Struct, frozen=True):
    """The stretches of a project's default branch, the newest first."""

    stretches: tuple[Stretch, ...]
    window_start: datetime | None
    """The start of the restore window; None if the window is unknown."""
    now: datetime

    @classmethod
    def of(cls, project: LiveProject, now: datetime) -> Timeline:
        """The time line of an observed project."""
        branches = project.branches or ()
        seconds = project.restore_window_seconds
        start = None if seconds is None else now - timedelta(seconds=seconds)
        ended = ((kept_until(branch, branches), branch) for branch in branches if is_kept(branch))
        kept = sorted(((until, one) for until, one in ended if until is not None), key=lambda pair: pair[0])
        found: list[Stretch] = []
        begun = project.created_at
        for until, branch in kept:
            found.append(Stretch(branch, _readable_since(branch, begun, start, until), until))
            begun = until
        if (default := project.default_branch) is not None:
            begun = max(begun, default.reset_at or default.created_at)
            found.append(Stretch(default, _readable_since(default, begun, start, now), None))
        return cls(tuple(reversed(found)), start, now)

    def holding(self, moment: datetime) -> Stretch | None:
        """Return the stretch that holds a moment; None if nothing does."""
        return next((stretch for stretch in self.stretches if stretch.holds(moment, self.now)), None)

    @property
    def last_restore(self) -> Stretch | None:
        """The newest stretch that a restore has ended."""
        return next((stretch for stretch in self.stretches if stretch.until is not None), None)


def _readable_since(branch: LiveBranch, begun: datetime, window_start: datetime | None, end: datetime) -> datetime:
    """Neon: a branch that was made of a snapshot cannot be read at an earlier moment."""
    if branch.restored:
        return end
    return min(end, max(begun, window_start or begun))
