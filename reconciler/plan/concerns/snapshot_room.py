"""Room for snapshots: which live ones may give way at the limit, in which order, and to how many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.desired.tier import AtLimit
from reconciler.plan.concerns.moments import expired

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reconciler.plan.case import Case
    from reconciler.plan.concerns.snapshot_method import Kept


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
