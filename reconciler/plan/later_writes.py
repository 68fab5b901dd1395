"""What later runs wrote to a project: a rollback leaves it, also where the value is the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.recorded_effects import CARRIED_OUT, as_value, owner_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from reconciler.model.record import RecordedWrite
    from reconciler.model.values import Value
    from reconciler.plan.recorded_effects import WrittenField

APPLIED: Final = "applied"
EXISTENCE: Final = {
    "branch": frozenset({"create_branch", "delete_branch"}),
    "replica": frozenset({"create_replica", "delete_replica"}),
}
"""Kinds of writes after which a name may mean another thing."""


class LaterWrites(Struct, frozen=True):
    """The writes of other runs of the fleet to one project since the run began to write to it."""

    writes: tuple[RecordedWrite, ...] = ()

    def has_set(self, field: WrittenField, is_live: Callable[[Value], bool]) -> bool:
        """Return whether a later run wrote the field. One whose outcome is unknown did if its value is live."""
        for write in self._since(field.at):
            if owner_of(write) != field.place:
                continue
            for change in write.changes:
                if change.path == field.path and (
                    write.result == APPLIED or is_live(as_value(change.path, change.after))
                ):
                    return True
        return False

    def has_made_anew(self, field: WrittenField) -> bool:
        """Return whether a later run created or deleted the branch or the read replica that the field is of."""
        place = field.place
        if place.kind == "project":
            return False
        return any(self._made(write, "branch", place.branch) for write in self._since(field.at)) or (
            place.replica is not None and self.has_made_replica(place.branch, place.replica, field.at)
        )

    def has_made_replica(self, branch: str, replica: str, at: datetime) -> bool:
        """Return whether a later run created or deleted a read replica of this name."""
        return any(
            self._made(write, "replica", replica) and (write.object or {}).get("branch") == branch
            for write in self._since(at)
        )

    def has_moved(self, at: datetime, here: str) -> bool:
        """Return whether a later run transferred the project."""
        return any(
            write.kind == "transfer_project"
            and (write.result == APPLIED or (write.object or {}).get("destination") == here)
            for write in self._since(at)
        )

    def _since(self, at: datetime) -> Iterator[RecordedWrite]:
        return (write for write in self.writes if write.at > at and write.result in CARRIED_OUT)

    def _made(self, write: RecordedWrite, thing: str, name: str) -> bool:
        return write.kind in EXISTENCE[thing] and (write.object or {}).get(thing) == name


NOTHING_LATER: Final = LaterWrites()
