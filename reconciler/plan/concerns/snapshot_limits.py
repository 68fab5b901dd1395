"""What a snapshot method provides, and which live snapshots may be replaced at the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from reconciler.desired.tier import AtLimit
from reconciler.model.values import replace
from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import POLICY, Assignment
from reconciler.plan.concerns.organization import PATH as ORGANIZATION
from reconciler.plan.concerns.organization import granted_less
from reconciler.plan.concerns.times import expired

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from reconciler.desired.tenant import Snapshot
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.comparison import Comparison, Finding
    from reconciler.plan.concerns.concern import Stated
    from reconciler.plan.tenant_history import TenantHistory

AT_LIMIT: Final = f"{POLICY}snapshots.at_limit"
"""The path of what may be deleted where the limit is reached."""
A_ROOT: Final = (
    "state snapshots: {method: branch} in the tier; or make a root branch the default branch, as "
    "`reconciler restore TENANT --snapshot NAME` does, with the data of that snapshot"
)
"""The remedy if Neon takes no snapshot of the default branch."""


class KeptSnapshot(Struct, frozen=True):
    """A live snapshot, kept by either method."""

    name: str
    """The name in the files; a branch may have been renamed since."""
    id: str
    created_at: datetime
    removable: bool = True
    """False for one that was created by hand and may be the tenant's own."""
    expires_at: datetime | None = None

    @property
    def path(self) -> str:
        """The field path of a snapshot that files declare by this name."""
        return f"snapshots.{self.name}"


class Method(Protocol):
    """A method of keeping snapshots."""

    @property
    def reads_snapshots(self) -> bool:
        """Whether these are Neon snapshots, which have a limit of their own."""

    def kept(self, comparison: Comparison, planned: Sequence[Finding]) -> tuple[KeptSnapshot, ...]:
        """Return the live snapshots that count against the limit, after the planned branch actions."""

    def certain(self, comparison: Comparison, planned: Sequence[Finding]) -> tuple[KeptSnapshot, ...]:
        """Return those that are certainly snapshots, for the case that new ones are kept by the other method."""

    def hindrance(self, project: LiveProject) -> str | None:
        """Return why no snapshot of this project can be taken, or None."""

    def taken_name(self, project: LiveProject, name: str) -> str | None:
        """Return why no snapshot can have this name, or None."""

    def room(self, comparison: Comparison, planned: Sequence[Finding]) -> int | None:
        """Return how many more snapshots other limits allow; None means any number."""

    def take(self, comparison: Comparison, snapshot: Snapshot, change: FieldChange) -> Action:
        """Return the action that takes the snapshot of the default branch."""

    def expiry(self, comparison: Comparison, snapshot: Snapshot, kept: KeptSnapshot) -> Iterator[Finding]:
        """Yield what is done or reported where the live expiry differs from the file."""

    def remove(
        self,
        comparison: Comparison,
        kept: KeptSnapshot,
        change: FieldChange,
        *,
        reason: str,
        early: bool,
        late: bool = False,
    ) -> Action:
        """Return the deletion; ``early`` if it has to come before the project's transfer, ``late`` if it comes
        after the snapshot that replaces it.
        """


def replaceable_snapshots(
    comparison: Comparison,
    kept: Sequence[KeptSnapshot],
    declared: Collection[str],
    once: Collection[str],
    rotated: Collection[str] = (),
) -> list[KeptSnapshot]:
    """Return undeclared live snapshots that may be replaced: expired ones first, then rotated and old ones.

    ``declared`` and ``once`` are the names in the files now and at the base; ``rotated`` are the ids of the
    tier's rotated ones.
    """
    candidates = [
        s
        for s in kept
        if s.name not in declared and s.removable and (s.id in rotated or _may_give_way(comparison, s, once))
        if not comparison.kept_elsewhere(s.path)
    ]
    ended = {one.name for one in comparison.settings.snapshots or () if expired(one.expires_at, comparison.now)}

    def order(snapshot: KeptSnapshot) -> tuple[bool, bool, object, str]:
        over = snapshot.name in ended or expired(snapshot.expires_at, comparison.now)
        return not over, snapshot.id not in rotated, snapshot.created_at, snapshot.id

    return sorted(candidates, key=order)


def _may_give_way(comparison: Comparison, snapshot: KeptSnapshot, once: Collection[str]) -> bool:
    """Return whether the tier allows to replace it; an expired snapshot may always be replaced."""
    if expired(snapshot.expires_at, comparison.now):
        return True
    match comparison.settings.snapshot_policy.at_limit:
        case AtLimit.REPLACE_OLDEST:
            return True
        case AtLimit.REPLACE_DECLARED:
            return snapshot.name in once
        case AtLimit.REFUSE:
            return False


def surplus(comparison: Comparison, count: int) -> int:
    """Return how many snapshots exceed the organization's limit."""
    limit = comparison.limits.snapshots
    return 0 if limit is None else max(0, count - limit)


def surplus_of_move(comparison: Comparison, count: int) -> int:
    """Return how many snapshots exceed the limit because of a move: of this plan, or one that was already made.

    A run that ends between a transfer and its deletions leaves them to the next run. Without a commit that asks
    for the move, what exceeds the limit in the declared organization stays.
    """
    if not (comparison.moves or _was_moved(comparison)):
        return 0
    return surplus(comparison, count)


def _was_moved(comparison: Comparison) -> bool:
    """Return whether this run made the move, or a commit asks for one to fewer snapshots and it was made."""
    if comparison.project.organization != comparison.settings.organization:
        return False
    asked_for = asks_for_fewer(comparison.wanted_now, comparison.past)
    return comparison.moved_by_run or (asked_for and comparison.moved(reduces=True) is Origin.CONFIG)


def asks_for_fewer(now: Stated, past: TenantHistory | None) -> bool:
    """Return whether earlier files assign an organization that allows more snapshots than the current one."""
    becomes = now.get(ORGANIZATION)
    earlier = [before.get(ORGANIZATION) for before in past.bases] if past else []
    return isinstance(becomes, Assignment) and any(
        isinstance(was, Assignment) and was != becomes and "snapshots" in granted_less(was.limits, becomes.limits)
        for was in earlier
    )


class Room(Struct, frozen=True):
    """The live snapshots, which of them may be replaced, and other limits."""

    comparison: Comparison
    kept: Sequence[KeptSnapshot]
    replaceable_snapshots: Sequence[KeptSnapshot]
    others: int | None
    """How many more snapshots the method allows; None means any number."""

    def fitting(self, wanted: int) -> int:
        """Return how many of the wanted snapshots fit if every replaceable one is replaced."""
        return next((count for count in range(wanted, 0, -1) if self._fits(count)), 0)

    def leaving(self, taken: int) -> Sequence[KeptSnapshot]:
        """Return the snapshots to replace for this many new ones."""
        return self.replaceable_snapshots[: surplus(self.comparison, len(self.kept) + taken)] if taken else ()

    def limited_by_others(self, wanted: int) -> bool:
        """Return whether more would fit if only the snapshot limit counted."""
        return replace(self, others=None).fitting(wanted) > self.fitting(wanted)

    def _fits(self, count: int) -> bool:
        leaving = surplus(self.comparison, len(self.kept) + count)
        return leaving <= len(self.replaceable_snapshots) and (
            self.others is None or count - leaving <= self.others
        )
