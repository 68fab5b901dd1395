"""The rollback of one tenant: what it undoes, what is read for it, and the refusals of what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from reconciler.live.project import BRANCHES, COMPUTES, NOTHING_BELOW, SNAPSHOTS, Details
from reconciler.plan.concerns import compute, quota
from reconciler.plan.later_writes import NOTHING_LATER, LaterWrites
from reconciler.plan.plan import Refusal, Rule
from reconciler.plan.recorded_effects import Created, FieldOwner, MovedProject, WrittenField

if TYPE_CHECKING:
    from reconciler.plan.action import Action
    from reconciler.plan.recorded_effects import RecordedEffect

NAME: Final = "rollback"
BY_HAND: Final = "change it in the files, if the earlier value is still right"


class Rollback(Struct, frozen=True):
    """The rollback of one tenant: a frozen value, equal to another one that undoes the same."""

    run: str
    tenant: str
    effects: tuple[RecordedEffect, ...]
    project_id: str | None = None
    """The project that the run changed; None if the journals do not name it."""
    later: LaterWrites = NOTHING_LATER
    """What other runs wrote to the project since."""
    permitted: bool = False
    """Whether what the run created may be deleted."""
    deletions: int = 0
    """The number of deletions of the whole rollback, which a person permits."""

    name: ClassVar = NAME

    @property
    def details(self) -> Details:
        """The details to read: the branches, whose annotations name the owner, and more if needed."""
        if not self.effects:
            return NOTHING_BELOW
        return frozenset().union(BRANCHES, *map(_details, self.effects))


def _details(effect: RecordedEffect) -> Details:
    match effect:
        case MovedProject():
            return COMPUTES | SNAPSHOTS | {"integrations"}
        case WrittenField(place) if place.kind == "compute":
            return COMPUTES
        case WrittenField(FieldOwner("project"), path) if path in quota.PATHS or path not in compute.PATHS:
            return frozenset({"project"})
        case Created("snapshot"):
            return SNAPSHOTS
        case Created("read replica"):
            return COMPUTES
        case _:
            return BRANCHES


def cannot(rollback: Rollback, message: str, remedy: str) -> Refusal:
    """Return a refusal of what no call can undo."""
    return Refusal(Rule.CANNOT_GO_BACK, (rollback.tenant,), message, remedy, ())


def changed_since(rollback: Rollback, message: str, actions: tuple[Action, ...]) -> Refusal:
    """Return a refusal of what somebody has changed since the run, with the actions that would undo it."""
    return Refusal(Rule.CHANGED_SINCE, (rollback.tenant,), message, BY_HAND, actions)
