"""What a snapshot method provides, and which live snapshots may be replaced at the limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from reconciler.desired.tier import AtLimit
from reconciler.plan.concerns.times import expired

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from reconciler.desired.tenant import Snapshot
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.case import Case, Finding
    from reconciler.plan.change import FieldChange


@dataclass(frozen=True, slots=True)
class Kept:
    """A live snapshot, however it is kept."""

    name: str
    """The name under which the files speak of it: a branch may have been renamed since."""
    id: str
    created_at: datetime
    removable: bool = True
    """False for one that was made by hand and cannot be told from a tenant's own."""
    expires_at: datetime | None = None


class Method(Protocol):
    """One way of keeping snapshots."""

    @property
    def reads_snapshots(self) -> bool:
        """Whether they are among Neon's own snapshots, which it counts by themselves."""

    def kept(self, case: Case, planned: Sequence[Finding]) -> tuple[Kept, ...]:
        """The live snapshots that count against the limit, given what is planned for the branches."""

    def copies(self, case: Case, planned: Sequence[Finding]) -> tuple[Kept, ...]:
        """Those of them that are snapshots for certain, where new ones are kept in the other way."""

    def hindrance(self, project: LiveProject) -> str | None:
        """Why no snapshot can be taken of this project at all."""

    def taken_name(self, project: LiveProject, name: str) -> str | None:
        """Why none can be taken under this name."""

    def room(self, case: Case, planned: Sequence[Finding]) -> int | None:
        """How many more there is room for beside the limit of snapshots; None is any number."""

    def take(self, case: Case, snapshot: Snapshot, change: FieldChange) -> Action:
        """The action that takes it of the default branch."""

    def expiry(self, case: Case, snapshot: Snapshot, kept: Kept) -> Iterator[Finding]:
        """What is done, or said, where a live one has another expiry than the files state."""

    def remove(self, case: Case, kept: Kept, change: FieldChange, *, reason: str, early: bool) -> Action:
        """The action that deletes it; ``early`` where the project moves only without it."""


def giving_way(case: Case, kept: Sequence[Kept], declared: Collection[str], once: Collection[str]) -> list[Kept]:
    """Undeclared live snapshots that may be replaced: those that have expired first, then the oldest.

    ``declared`` and ``once`` are the names that the files have now, and had at the base.
    """
    candidates = [s for s in kept if s.name not in declared and s.removable and _may_give_way(case, s, once)]
    ended = {one.name for one in case.settings.snapshots or () if expired(one.expires_at, case.now)}

    def order(snapshot: Kept) -> tuple[bool, object, str]:
        over = snapshot.name in ended or expired(snapshot.expires_at, case.now)
        return not over, snapshot.created_at, snapshot.id

    return sorted(candidates, key=order)


def _may_give_way(case: Case, snapshot: Kept, once: Collection[str]) -> bool:
    """By the tier's rule; one that Neon is about to delete, whatever that says."""
    if expired(snapshot.expires_at, case.now):
        return True
    match case.settings.snapshot_policy.at_limit:
        case AtLimit.REPLACE_OLDEST:
            return True
        case AtLimit.REPLACE_DECLARED:
            return snapshot.name in once
        case AtLimit.REFUSE:
            return False


def surplus(case: Case, count: int) -> int:
    """How many of so many are more than the organization allows."""
    limit = case.limits.snapshots
    return 0 if limit is None else max(0, count - limit)


@dataclass(frozen=True, slots=True)
class Room:
    """What is live, what of it may give way, and what else is limited."""

    case: Case
    kept: Sequence[Kept]
    giving_way: Sequence[Kept]
    others: int | None
    """How many more the way of keeping them allows; None is any number."""

    def fitting(self, wanted: int) -> int:
        """How many of so many can be taken if everything gives way that may."""
        return next((count for count in range(wanted, 0, -1) if self._fits(count)), 0)

    def leaving(self, taken: int) -> Sequence[Kept]:
        """What gives way to so many."""
        return self.giving_way[: surplus(self.case, len(self.kept) + taken)] if taken else ()

    def limited_by_others(self, wanted: int) -> bool:
        """Whether more could be taken if only the limit of snapshots counted."""
        return replace(self, others=None).fitting(wanted) > self.fitting(wanted)

    def _fits(self, count: int) -> bool:
        leaving = surplus(self.case, len(self.kept) + count)
        return leaving <= len(self.giving_way) and (self.others is None or count - leaving <= self.others)
