"""The rows of the tenant registry, and the leases on a fleet."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import asdict

from reconciler.model.values import PartlyCompared

if TYPE_CHECKING:
    from reconciler.secret import Secret


ALL_PARTS: Final = "all"
"""The name of the whole fleet as a part."""


class RowState(StrEnum):
    """The state of a tenant's project, as the registry shows it."""

    SETTING_UP = "setting_up"
    """It is being created, or its first operations still run."""
    READY = "ready"
    SUSPENDED = "suspended"
    """The files suspend it, or Neon does: its counters have reached a quota of this billing period."""
    DELETED = "deleted"


class Record(Struct, frozen=True, kw_only=True):
    """What a platform stores of a project besides its id. None: not known, so a row keeps what it has."""

    tier: str | None = None
    region: str | None = None
    host: str | None = None
    """Of the default branch's compute."""
    pooled_host: str | None = None
    database: str | None = None
    role: str | None = None
    state: RowState | None = None
    project_created_at: datetime | None = None

    @property
    def known(self) -> dict[str, Any]:
        """The known values by column."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def differs(self, row: Record) -> tuple[str, ...]:
        """The names of the known values that a row does not have."""
        return tuple(name for name, value in self.known.items() if getattr(row, name) != value)


NOTHING_KNOWN: Final = Record()


class ConnectionStrings(Struct, frozen=True):
    """How to connect to a tenant's default branch, with the password."""

    pooled: Secret
    direct: Secret

    @property
    def host(self) -> str | None:
        """Of the compute to which the direct one leads."""
        return urlsplit(self.direct.reveal()).hostname


class KeptConnection(Struct, frozen=True):
    """The connection strings in a row, decrypted."""

    project_id: str
    organization: str
    strings: ConnectionStrings | None
    """None: no key of the environment decrypts them."""
    newest_key: bool
    """Whether the first key encrypted them."""


class KeptString(StrEnum):
    """What a row has of a tenant's connection strings."""

    KEPT = "kept"
    DUE = "due"
    """They may be missing or out of date: a run that was about to write them has not done so yet."""


class Registered(PartlyCompared, frozen=True):
    """One row. It names a tenant's project, as a pin does; without a project it is the claim of a run."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"record", "strings_due_since"})

    project_id: str | None
    """None while the tenant is claimed: a run is creating its project, or died before it could."""
    organization: str | None
    claimed_by: str
    """The run that claimed the tenant, or that wrote the row."""
    claimed_at: datetime
    record: Record = NOTHING_KNOWN
    strings_due_since: datetime | None = None
    """When a run was about to create the project, or to reset its password, and has not written the connection
    strings since. None if the registry keeps none."""

    def leads_to(self, strings: ConnectionStrings) -> bool:
        """Whether these strings are those of the compute in the row, as far as the row knows it."""
        return self.record.host in {None, strings.host}


class RegisteredTenant(Struct, frozen=True):
    """A row as a platform reads it, also of a deleted project."""

    tenant: str
    project_id: str | None
    """None while a run is creating the project."""
    organization: str | None
    """Its name in tiers.yaml."""
    tier: str | None
    region: str | None
    host: str | None
    """Of the default branch's compute."""
    pooled_host: str | None
    """Of the connection pooler of that compute."""
    database: str | None
    role: str | None
    connection_string: KeptString | None
    """None: the row keeps none."""
    state: RowState
    project_created_at: datetime | None
    claimed_by: str
    """The run that claimed the tenant, or that wrote the row."""
    claimed_at: datetime
    updated_at: datetime
    recoverable_until: datetime | None
    """Of a deleted project: until then, ``recover: <project_id>`` in the tenant's file recovers it."""
    revision: int | None
    """The newest revision of the tenant that a run accepted."""


class RegisteredTenants(Struct, frozen=True):
    """The rows of the registry."""

    fleet: str
    tenants: tuple[RegisteredTenant, ...]
    """Sorted by name, also those whose projects were deleted."""


class Placement(PartlyCompared, frozen=True):
    """The project of a tenant and its organization, to be written to a row."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"record", "strings"})

    tenant: str
    project_id: str
    organization: str
    """Its name in tiers.yaml."""
    record: Record = NOTHING_KNOWN
    strings: ConnectionStrings | None = None


class Lease(Struct, frozen=True):
    """The exclusive right of a run to apply a fleet, or a part of it."""

    part: str
    """``ALL_PARTS``, or the shard as it is named on the command line: ``2/4``."""
    run: str
    token: int
    """Higher than that of every earlier lease of the fleet."""
    since: datetime
    renewed_at: datetime


def part_of(shard: tuple[int, int] | None) -> str:
    """The part of the fleet that a run applies: its shard, or the whole fleet whatever else selects tenants."""
    return ALL_PARTS if shard is None else f"{shard[0]}/{shard[1]}"


def overlap(one: str, other: str) -> bool:
    """Whether two parts may share a tenant. Different shards of the same count share none."""
    counts = {part.partition("/")[2] for part in (one, other)}
    return one == other or len(counts) > 1 or counts == {""}
