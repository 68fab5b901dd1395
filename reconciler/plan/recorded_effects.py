"""What a run did to one tenant, as its journal tells it: the net effect of all its writes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Struct

from reconciler.model.api_limits import RECOVERABLE
from reconciler.model.moments import utc_text
from reconciler.model.values import JsonText
from reconciler.plan.concerns.compute import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from reconciler.model.record import RecordedWrite
    from reconciler.model.values import Value

Thing: TypeAlias = Literal["project", "branch", "snapshot", "read replica"]

CARRIED_OUT: Final = frozenset({"applied", "unknown", "interrupted"})
"""Results of calls that changed something, or may have: live state shows which."""
BY_ITSELF: Final = frozenset({"suspend_compute"})
"""Kinds of writes that no rollback reverses: a suspended compute starts at the next connection (Neon)."""
MADE: Final = re.compile(r"(project|branch|snapshot|read replica) (\S+)")
"""How the journal tells what a call created."""
FROM_FILES: Final = "remove it from the files, and apply them"


class FieldOwner(Struct, frozen=True):
    """What a field belongs to: the project, a compute, or a branch."""

    kind: Literal["project", "compute", "branch"] = "project"
    branch: str = ""
    replica: str | None = None


class WrittenField(Struct, frozen=True):
    """A field that the run wrote."""

    place: FieldOwner
    path: str
    before: Value
    """The value before the first write."""
    written: tuple[Value, ...]
    """What the run wrote, in its order."""
    at: datetime
    """When it wrote first."""


class MovedProject(Struct, frozen=True):
    """The project was transferred."""

    origin: str
    """The organization before the first transfer."""
    destinations: tuple[str, ...]
    at: datetime
    """When the run transferred it first."""


class Created(Struct, frozen=True):
    """The run created something."""

    thing: Thing
    name: str
    """Of a project, that of its tenant."""
    id: str | None
    """None if the journal does not have it: the answer was lost."""
    branch: str
    """The branch of a snapshot or of a read replica."""
    at: datetime
    """When the run created it first."""


class Permanent(Struct, frozen=True):
    """An effect that no call of ours takes back."""

    message: str
    remedy: str
    of_project: bool = False
    """Whether the project itself is gone."""


RecordedEffect: TypeAlias = WrittenField | MovedProject | Created | Permanent


@dataclass(slots=True)
class _TenantRecord:
    """The effects as far as they have been read."""

    tenant: str
    fields: dict[tuple[FieldOwner, str], WrittenField] = field(default_factory=dict)
    moved: MovedProject | None = None
    created: dict[tuple[Thing, str], Created] = field(default_factory=dict)
    permanent: dict[Permanent, None] = field(default_factory=dict)

    def effects(self) -> tuple[RecordedEffect, ...]:
        moved = () if self.moved is None else (self.moved,)
        return (*moved, *self.fields.values(), *self.created.values(), *self.permanent)

    def add(self, write: RecordedWrite) -> None:
        reader = READERS.get(write.kind)
        if reader is not None:
            reader(self, write)
        elif (gone := _deleted_id(write)) is None or not self.forget(gone):
            self.permanent[_permanent(write, self.tenant)] = None

    def forget(self, gone: str) -> bool:
        """Whether the run itself had created what it deletes."""
        found = next((key for key, made in self.created.items() if made.id == gone), None)
        return found is not None and self.created.pop(found) is not None

    def change(self, place: FieldOwner, write: RecordedWrite) -> None:
        at = write.at
        for change in write.changes:
            key = (place, change.path)
            before, after = as_value(change.path, change.before), as_value(change.path, change.after)
            known = self.fields.get(key)
            written = (after,) if known is None else (*known.written, after)
            first = (before, at) if known is None else (known.before, known.at)
            self.fields[key] = WrittenField(place, change.path, first[0], written, first[1])

    def cannot(self, message: str, remedy: str) -> None:
        self.permanent[Permanent(message, remedy)] = None


def project_of(write: RecordedWrite, tenant: str) -> str | None:
    """Return the id of the tenant's project that the write changed or created; None if the journal has none."""
    made = MADE.match(write.message)
    if write.kind == "create_project":
        return made[2] if made and made[1] == "project" else None
    return dict(zip(write.tenants, write.project_ids, strict=False)).get(tenant)


def owner_of(write: RecordedWrite) -> FieldOwner | None:
    """Return what the fields of a write belong to; None if none, or the journal does not say whose."""
    if write.kind == "patch_project":
        return FieldOwner()
    if write.object is None:
        return None
    branch = write.object.get("branch", "")
    if write.kind == "patch_endpoint":
        return FieldOwner("compute", branch, write.object.get("replica"))
    return FieldOwner("branch", branch) if write.kind == "patch_branch" else None


def effects(writes: Iterable[RecordedWrite], tenant: str) -> tuple[RecordedEffect, ...]:
    """Return what these writes did to the tenant, in order: one effect for each field and each thing.

    A write whose outcome is unknown counts as carried out: the comparison with live state decides.
    """
    collected = _TenantRecord(tenant)
    for write in writes:
        if write.result in CARRIED_OUT and write.kind not in BY_ITSELF:
            collected.add(write)
    return collected.effects()


def as_value(path: str, plain: Value) -> Value:
    """Return the value of a field as plans have it, from the journal's: settings are structured values."""
    structured = path == PARAMETERS or path.startswith("settings.")
    if not structured or plain is None or isinstance(plain, JsonText):
        return plain
    return JsonText.of(plain)


def _patched_project(collected: _TenantRecord, write: RecordedWrite) -> None:
    collected.change(FieldOwner(), write)


def _patched_compute(collected: _TenantRecord, write: RecordedWrite) -> None:
    place = owner_of(write)
    if place is None:
        what = ", ".join(change.path for change in write.changes)
        collected.cannot(
            f"{what} of a compute: the journal does not name the compute", "set it in the files, and apply them"
        )
        return
    collected.change(place, write)


def _patched_branch(collected: _TenantRecord, write: RecordedWrite) -> None:
    place = owner_of(write)
    if place is None:
        what = ", ".join(change.path for change in write.changes)
        collected.cannot(f"{what}: the journal does not name the branch", "set it in the files, and apply them")
        return
    collected.change(place, write)


def _moved(collected: _TenantRecord, write: RecordedWrite) -> None:
    there = None if write.object is None else write.object.get("destination")
    if there is None:
        collected.cannot(
            f"the transfer from organization {write.organization}: the journal does not say where to",
            "revert the tenant's tier in the files, and apply them",
        )
    elif collected.moved is None:
        collected.moved = MovedProject(write.organization, (there,), write.at)
    else:
        known = collected.moved
        collected.moved = MovedProject(known.origin, (*known.destinations, there), known.at)


def _created(thing: Thing) -> Reader:
    def read(collected: _TenantRecord, write: RecordedWrite) -> None:
        made = MADE.match(write.message)
        object_, id_ = write.object or {}, None if made is None else made[2]
        path = write.changes[0].path if write.changes else ""
        name = collected.tenant if thing == "project" else path.partition(".")[2]
        name = object_.get(
            {"branch": "branch", "snapshot": "snapshot", "read replica": "replica"}.get(thing, ""), name
        )
        key = (thing, name)
        known = collected.created.get(key)
        if known is not None and id_ is None:
            return
        at = write.at if known is None else known.at
        branch = "" if thing == "branch" else object_.get("branch", "")
        collected.created[key] = Created(thing, name, id_, branch, at)

    return read


Reader: TypeAlias = "Callable[[_TenantRecord, RecordedWrite], None]"
READERS: Final[Mapping[str, Reader]] = {
    "patch_project": _patched_project,
    "patch_endpoint": _patched_compute,
    "patch_branch": _patched_branch,
    "transfer_project": _moved,
    "create_project": _created("project"),
    "create_branch": _created("branch"),
    "create_snapshot": _created("snapshot"),
    "create_replica": _created("read replica"),
}
"""How each kind of write that can be taken back is read. All others are permanent."""


def _deleted_id(write: RecordedWrite) -> str | None:
    if write.kind == "delete_project":
        return next(iter(write.project_ids), None)
    object_ = write.object or {}
    own = {"delete_branch": "branch_id", "delete_snapshot": "snapshot_id", "delete_replica": "endpoint_id"}
    return object_.get(own.get(write.kind, ""))


def _permanent(write: RecordedWrite, tenant: str) -> Permanent:
    """Return what stays of a write of any other kind, and what a person can do."""
    text, remedy = _STAYS.get(write.kind, ("{kind} of {what} stays", FROM_FILES))
    what = _what(write)
    until = utc_text(write.at + RECOVERABLE)
    words = {
        "kind": write.kind.replace("_", " "),
        "what": what,
        "tenant": tenant,
        "id": next(iter(write.project_ids), ""),
        "until": until,
    }
    return Permanent(text.format(**words), remedy.format(**words), of_project=write.kind == "delete_project")


def _what(write: RecordedWrite) -> str:
    object_ = write.object or {}
    for name in ("database", "role", "replica", "snapshot", "branch"):
        if name in object_:
            return repr(object_[name])
    return ", ".join(change.path for change in write.changes) or ", ".join(write.project_ids)


_RECOVER: Final = "until {until}, `recover: {id}` in the tenant's file recovers it (`reconciler apply`)"
_HISTORY: Final = "`reconciler history {tenant}` lists the states to which `reconciler restore {tenant}` returns"
_STAYS: Final[Mapping[str, tuple[str, str]]] = {
    "delete_project": ("project {id} was deleted", _RECOVER),
    "delete_duplicate": ("the unused second project was deleted", _RECOVER),
    "delete_branch": (
        "branch {what} was deleted with its data",
        "declare it in the files: it begins empty or as a copy",
    ),
    "delete_snapshot": ("snapshot {what} was deleted", "permanent: Neon cannot restore it"),
    "delete_replica": (
        "read replica {what} was deleted",
        "declare it in the files: a new one has another address",
    ),
    "delete_database": ("database {what} was deleted with its data", _HISTORY),
    "delete_role": ("role {what} was deleted", "declare it in the files: it gets another password"),
    "create_role": ("role {what} stays", FROM_FILES),
    "create_database": ("database {what} stays, with its current data", FROM_FILES),
    "patch_database": ("the owner of database {what} stays", "set it in the files, and apply them"),
    "reset_branch": ("branch {what} lost its own data by the reset", _HISTORY),
    "restore_branch": ("branch {what} keeps the state that was restored", _HISTORY),
    "restore_snapshot": ("branch {what} keeps the state that was restored", _HISTORY),
    "finalize_restore": ("branch {what} keeps the state that was restored", _HISTORY),
    "preview_snapshot": ("the preview stays", "`reconciler restore {tenant} --discard` deletes it"),
    "reset_password": ("the password of role {what} stays", "Neon cannot restore an earlier password"),
    "recover_project": (
        "project {id} stays recovered",
        "to delete it again, add state: absent to the tenant's file",
    ),
    "adopt_project": ("the branch that marks the project stays", "it expires by itself, within 30 days"),
}
"""The message for each kind of write that no call can undo, and the remedy."""
