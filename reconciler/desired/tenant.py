"""A tenant as its file states it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from reconciler.model.compute import Compute
    from reconciler.model.problem import Location
    from reconciler.model.values import Json


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A declared snapshot; ``at`` counts at creation only."""

    name: str
    at: datetime | None = None
    expires_at: datetime | None = None
    retake: bool = False
    """Whether one that was there and is lost is taken again, of what is there then."""


@dataclass(frozen=True, slots=True)
class DevBranch:
    """A declared development branch; ``parent`` (None is the default branch) and ``at`` count at creation only."""

    name: str
    parent: str | None = None
    at: datetime | None = None
    compute: Compute | None = None
    expires_at: datetime | None = None
    schema_only: bool = False


@dataclass(frozen=True, slots=True)
class Overrides:
    """What one tenant gets instead of its tier's value, member by member."""

    quota: Mapping[str, int] = field(default_factory=dict)
    """By member name of Quota: ``{"data_transfer_bytes": 85899345920}``."""
    compute: Compute | None = None
    restore_window_seconds: int | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pins:
    """Facts that count at creation only. Region and version must also match the live project."""

    region: str | None = None
    pg_version: int | None = None
    database: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One reduction, as a file names it: from a tier to a tier (``pro -> free``), or from a value to a value."""

    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"


Acceptance: TypeAlias = "bool | date | tuple[Step, ...]"
"""Of which reductions a loss is accepted: those that are named; all until the end of a day (UTC); with True those
that are asked for together with it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a lowering may do to the tenant because its file says so; without it such a lowering is refused."""

    suspension: Acceptance = False
    """A quota at or below what is used already: its computes stand still until the billing period ends."""
    full_branches: Acceptance = False
    """A logical size at or below that of a branch: writes to the branch fail."""
    history_loss: Acceptance = False
    """A shorter restore window: what lies before it can never be restored again."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant. ``snapshots`` and ``dev_branches``: None is not managed, empty is none wanted."""

    name: str
    tier: str
    """Of a tombstone it may be one that does not exist."""
    location: Location = field(compare=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    overrides: Overrides = Overrides()
    snapshots: tuple[Snapshot, ...] | None = None
    dev_branches: tuple[DevBranch, ...] | None = None
    protect: bool = False
    accept: Accepted = Accepted()
    previously: tuple[str, ...] = ()
    """Names that the tenant had before: what is known of them is known of it."""
    absent: bool = False
    """``state: absent``, a tombstone: the project is to be deleted."""
    project_id: str | None = None
    """An adopted project, found by id whatever its name."""
    recover: str | None = None
    """The id of the tenant's deleted project, to be brought back. While it is live, this asks for nothing."""
    revision: int | None = None
    """The number of this state of the tenant, as whoever wrote it counts."""
    pins: Pins = Pins()
    files: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """The files that it was read from, below the folder of the fleet: its document, and a line under it."""

    @property
    def retake(self) -> tuple[str, ...]:
        """Names of the snapshots that are taken again where they are lost."""
        return tuple(snapshot.name for snapshot in self.snapshots or () if snapshot.retake)
