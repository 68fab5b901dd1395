"""The lines of files that programs may read: the journal, and connection strings. Their schemas follow from it."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]


class JournalRun(Struct, frozen=True, tag_field="line", tag="run", forbid_unknown_fields=True):
    """The first line of a run: who ran it, and on which files."""

    at: Moment
    format_version: Literal[3]
    """Version 1 had no ``object`` and no waves, version 2 no quotas."""
    run: str
    fleet: str
    actor: str
    """The user, or the person behind a CI job."""
    commit: str | None
    """The git commit of the files; None outside a repository."""
    version: str
    """The version of the program."""
    started_at: Moment
    file: dict[str, Any]
    """Identifies the file, so that a copy is not taken for it; empty if that is impossible."""


class ChangedField(Struct, frozen=True, forbid_unknown_fields=True):
    """A field that a write changes."""

    path: str
    """Ends in its unit."""
    before: Any
    """The value that the write replaces."""
    after: Any


class JournalIntent(Struct, frozen=True, tag_field="line", tag="intent", forbid_unknown_fields=True):
    """A write that is about to be sent. Without an outcome, the run died during the call."""

    at: Moment
    request_id: str
    """The id of the run and a number, as in Neon's logs."""
    kind: str
    """The kind of the action."""
    tenants: tuple[str, ...]
    organization: str
    project_ids: tuple[str, ...]
    reason: str
    changes: tuple[ChangedField, ...]
    object: dict[str, str]
    """Names and ids of what it changes below or beside the project."""
    quotas_at_risk: tuple[str, ...]
    """Those of the projects that have a quota, which Neon may remove with the transfer."""


class JournalOutcome(Struct, frozen=True, tag_field="line", tag="outcome", forbid_unknown_fields=True):
    """What became of a write."""

    at: Moment
    request_id: str
    result: Literal["applied", "failed", "unknown", "not sent"]
    message: str


class JournalWave(Struct, frozen=True, tag_field="line", tag="wave", forbid_unknown_fields=True):
    """The tenants of a wave, before it starts."""

    at: Moment
    run: str
    number: int
    """Counted from 1."""
    tenants: tuple[str, ...]


class JournalLook(Struct, frozen=True, tag_field="line", tag="look", forbid_unknown_fields=True):
    """A wave was looked at after ``--bake``."""

    at: Moment
    run: str
    number: int
    """Of the wave, counted from 1."""
    harmed: tuple[str, ...]
    """Its tenants that are worse off."""
    harmful: bool
    """Whether that stops the run."""


class JournalKept(Struct, frozen=True, tag_field="line", tag="kept", forbid_unknown_fields=True):
    """The project that a tenant keeps, before its connection string is returned."""

    at: Moment
    run: str
    tenant: str
    project_id: str


class JournalQuota(Struct, frozen=True, tag_field="line", tag="quota", forbid_unknown_fields=True):
    """The project still has its quota after a transfer."""

    at: Moment
    run: str
    project_id: str


class JournalDeletion(Struct, frozen=True, tag_field="line", tag="deletion", forbid_unknown_fields=True):
    """The record of a deleted project, for a register of erasures."""

    at: Moment
    request_id: str | None
    tenant: str
    project_id: str
    name: str
    organization: str
    reason: str
    deleted_at: Moment
    recoverable_until: Moment
    dump: str | None
    """Where its databases were dumped before, if they were."""


class JournalEnd(Struct, frozen=True, tag_field="line", tag="end", forbid_unknown_fields=True):
    """The last line of a run that was not killed."""

    at: Moment
    run: str
    stopped: str | None
    """Why it ended early."""


JOURNAL: TypeAlias = (
    JournalRun
    | JournalIntent
    | JournalOutcome
    | JournalWave
    | JournalLook
    | JournalKept
    | JournalQuota
    | JournalDeletion
    | JournalEnd
)


class ConnectionLine(Struct, frozen=True, forbid_unknown_fields=True):
    """How to connect to a tenant's database. It contains a password."""

    tenant: str
    project_id: str
    organization: str
    branch: str | None
    host: str
    pooled_host: str
    database: str
    role: str
    pooled: str
    """The connection string through the connection pool."""
    direct: str
