"""Rotated snapshots: the one of the current slot is taken, and the oldest is deleted for it.

Neon's snapshots carry no annotations: a snapshot belongs to the rotation if it has a name of the rotation, was not
created before the time in its name, and no file declares it. A missed slot is not caught up. No other snapshot
is deleted for a rotated one. If a run ends between the two steps, the next one deletes the oldest.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.tenant import Snapshot
from reconciler.model.units import format_seconds
from reconciler.model.values import replace
from reconciler.plan.concerns.concern import POLICY, existence
from reconciler.plan.concerns.organization import snapshots_allowed
from reconciler.plan.concerns.snapshot_limits import A_ROOT
from reconciler.plan.plan import Note, Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from datetime import datetime

    from reconciler.desired.rotation import Rotation
    from reconciler.plan.action import Action
    from reconciler.plan.change import Origin
    from reconciler.plan.comparison import Comparison, Finding
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.concerns.snapshot_limits import KeptSnapshot, Method

KEEP: Final = "snapshots.rotate.keep"
"""The path of the number of rotated snapshots that stay."""
EVERY: Final = f"{POLICY}snapshots.rotate.every"
PATTERN: Final = f"{POLICY}snapshots.rotate.name"
MOST_NAMED: Final = 3
"""Snapshots that a note names."""
OTHER_NAME: Final = "use another pattern in rotate.name of the tier"


def wanted(rotation: Rotation | None) -> Fields:
    """Return the members of the rotation by their paths."""
    if rotation is None:
        return {}
    return {KEEP: rotation.keep, EVERY: rotation.every_seconds, PATTERN: rotation.name}


def rotated(comparison: Comparison, kept: Sequence[KeptSnapshot]) -> tuple[KeptSnapshot, ...]:
    """Return those of the live snapshots that the tier rotates, oldest slot first."""
    rotation = comparison.settings.snapshot_policy.rotate
    if rotation is None:
        return ()
    declared = {snapshot.name for snapshot in comparison.settings.snapshots or ()}
    free = (one for one in kept if one.removable and one.name not in declared)
    slots = ((rotation.moment(one.name), one) for one in free if not comparison.kept_elsewhere(one.path))
    found = [(slot, one) for slot, one in slots if slot is not None and slot <= one.created_at]
    return tuple(one for _, one in sorted(found, key=_by_slot))


class SnapshotRotation(Struct, frozen=True, dict=True):
    """The rotation of one tenant's snapshots, after its declared ones were planned."""

    comparison: Comparison
    rotation: Rotation
    method: Method
    kept: Sequence[KeptSnapshot]
    """The live snapshots that stay, kept by the tier's method."""
    names: Container[str]
    """The names of all live snapshots, whichever method keeps them."""
    coming: int
    """How many declared snapshots this plan takes."""
    others: int | None
    """How many more snapshots other limits allow, before this plan's."""

    def findings(self) -> Iterator[Finding]:
        """Yield the deletion of what leaves, then the snapshot of the slot; or why there is none."""
        slot = self.rotation.slot(self.comparison.now)
        name, rotated = self.rotation.named(slot), self._rotated
        due = self.comparison.project.created_at < slot and name not in self.names
        if due and (found := self._hindrance(name)):
            yield found
            return
        most = self._most
        taken = int(due and most > 0)
        surplus = max(0, len(rotated) + taken - self._stay(most))
        stay = self.comparison.tenant.protect or self.comparison.of_a_document(KEEP, EVERY, PATTERN)
        leaving = () if stay else rotated[:surplus]
        if due and not self._fits(len(rotated) - len(leaving), taken):
            yield self._no_room(name)
            taken, leaving = 0, leaving[: max(0, len(rotated) - self.rotation.keep)]
        late = self._fits(len(rotated), taken)
        asked = _asked_by_slots(surplus, taken)
        for place, old in enumerate(leaving):
            yield self._remove(old, name, for_the_slot=place < asked, late=late)
        if taken:
            yield self._take(name)

    @cached_property
    def _rotated(self) -> tuple[KeptSnapshot, ...]:
        return rotated(self.comparison, self.kept)

    @property
    def _beside(self) -> int:
        """How many snapshots there are beside the rotated ones."""
        return len(self.kept) - len(self._rotated) + self.coming

    def _stay(self, most: int) -> int:
        """How many rotated snapshots stay: a paused rotation deletes none for the sake of the limit."""
        return most if most > 0 else self.rotation.keep

    @property
    def _most(self) -> int:
        """How many rotated snapshots fit beside all others."""
        limit = self.comparison.limits.snapshots
        return self.rotation.keep if limit is None else min(self.rotation.keep, limit - self._beside)

    def _fits(self, staying: int, taken: int) -> bool:
        limit = self.comparison.limits.snapshots
        if not taken or (limit is not None and self._beside + staying + taken > limit):
            return False
        return self.others is None or self.coming + taken - (len(self._rotated) - staying) <= self.others

    def _hindrance(self, name: str) -> Refusal | Note | None:
        """Return what prevents the snapshot: a note if a restore is the reason, because the files are correct."""
        tenants, take = (self.comparison.tenant.name,), (self._take(name),)
        if taken := self.method.taken_name(self.comparison.project, name):
            message = f"snapshot {name!r} cannot be taken: {taken}"
            return Refusal(Rule.CANNOT_BE_DONE, tenants, message, OTHER_NAME, take)
        if hindrance := self.method.hindrance(self.comparison.project):
            return Note.about(self.comparison.tenant, f"snapshot {name!r} is not taken: {hindrance}; {A_ROOT}")
        return None

    def _no_room(self, name: str) -> Note:
        why = snapshots_allowed(self.comparison.organization, self.comparison.limits)
        if self.comparison.tenant.protect:
            why = f"{why}, and none is deleted of a protected tenant"
        message = f"snapshot {name!r} is not taken: {why}, and only rotated snapshots are deleted for it"
        return Note.about(self.comparison.tenant, f"{message}{self._making_room}")

    @property
    def _making_room(self) -> str:
        """What makes room for the rotation, if snapshots that no file declares take it."""
        declared = {snapshot.name for snapshot in self.comparison.settings.snapshots or ()}
        others = [one.name for one in self.kept if one not in self._rotated and one.name not in declared]
        if self.comparison.tenant.protect or not others:
            return ""
        which = " or ".join(map(repr, others[:MOST_NAMED]))
        return f"; to make room, delete {which} in Neon's console"

    def _take(self, name: str) -> Action:
        change = existence(f"snapshots.{name}", self._origin, before=False)
        take = self.method.take(self.comparison, Snapshot(name), change)
        return replace(take, reason=f"rotated every {format_seconds(self.rotation.every_seconds)}")

    def _remove(self, old: KeptSnapshot, name: str, *, for_the_slot: bool, late: bool) -> Action:
        """A deletion that no slot asks for needs a commit that lowered the number."""
        origin = self._origin if for_the_slot else self.comparison.origin(KEEP, reduces=True)
        reason = f"replaced by {name!r}" if for_the_slot else f"{self.rotation.keep} rotated snapshots are kept"
        change = existence(old.path, origin, before=True)
        return self.method.remove(self.comparison, old, change, reason=reason, early=False, late=late)

    @property
    def _origin(self) -> Origin:
        return self.comparison.by_policy(KEEP, EVERY, PATTERN)


def _asked_by_slots(surplus: int, taken: int) -> int:
    """Return for how many deletions the slots are the cause: each slot for one.

    A run that ended before its deletion leaves one snapshot too many; the next run deletes it. If there are more,
    something else has left them, such as files that kept more.
    """
    return surplus if surplus <= taken + 1 else taken


def _by_slot(found: tuple[datetime, KeptSnapshot]) -> tuple[datetime, datetime, str]:
    slot, one = found
    return slot, one.created_at, one.id
