"""A tenant as its file declares it."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from msgspec import Struct

from reconciler.model.moments import rfc3339
from reconciler.model.values import PartlyCompared, defaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from reconciler.desired.tier import Occasion
    from reconciler.model.compute import Compute
    from reconciler.model.database import Database
    from reconciler.model.problem import Location
    from reconciler.model.values import Json


class Snapshot(Struct, frozen=True):
    """A declared snapshot; ``at`` applies when it is taken."""

    name: str
    at: datetime | None = None
    expires_at: datetime | None = None
    retake: bool = False
    """Whether a lost snapshot is taken again, of the current data."""


class DevBranch(Struct, frozen=True):
    """A declared development branch; ``parent`` (None: the default branch) and ``at`` apply at creation only."""

    name: str
    parent: str | None = None
    at: datetime | None = None
    compute: Compute | None = None
    expires_at: datetime | None = None
    schema_only: bool = False
    protected: bool | None = None
    reset: int = 0
    """A number that grows asks for one reset of the branch to its parent."""
    disposable: bool = False
    """Whether it may go while nobody uses it, where the tier says so."""
    roles: tuple[str, ...] | None = None
    databases: tuple[Database, ...] | None = None
    """Beside those that it has from its parent. None means not managed."""


class Overrides(Struct, frozen=True):
    """Values of one tenant that replace those of its tier, field by field."""

    quota: Mapping[str, int] = {}
    """By member name of Quota: ``{"data_transfer_bytes": 85899345920}``."""
    compute: Compute | None = None
    restore_window_seconds: int | None = None
    protected: bool | None = None
    settings: Mapping[str, Json] = {}
    snapshots_before: tuple[Occasion, ...] | None = None
    """What a snapshot is taken before; None: what the tiers say."""
    replicas: Mapping[str, Compute] | None = None
    """Read replicas by name, in addition to the tier's or in the place of those with the same name."""


class Pins(Struct, frozen=True):
    """Values that apply at creation only. Region and version must also match the live project."""

    region: str | None = None
    pg_version: int | None = None
    database: str | None = None
    role: str | None = None
    branch: str | None = None
    """The name of the default branch."""


class Reduction(Struct, frozen=True):
    """A reduction as a file names it: from a tier to a tier (``pro -> free``), or from a value to a value."""

    before: str
    after: str

    def __str__(self) -> str:
        return self.before if self.after == ABSENT else f"{self.before} -> {self.after}"


ABSENT: Final = "absent"
"""What a deletion leads to."""
Acceptance: TypeAlias = "bool | date | tuple[Reduction, ...]"
"""The reductions for which a loss is accepted: the named ones; all until the end of a day (UTC); with True those
in the same commit.
"""


class Accepted(Struct, frozen=True):
    """Losses that the tenant's file accepts; without it a reduction with such a loss is refused."""

    suspension: Acceptance = False
    """A quota at or below the usage: Neon suspends the project until the billing period ends."""
    full_branches: Acceptance = False
    """A logical size at or below that of a branch: writes to the branch fail."""
    history_loss: Acceptance = False
    """A shorter restore window: the loss of older history is permanent."""
    deletion: Acceptance = False
    """The deletion of roles and databases: each step leads from its path to ``absent``."""


class Boost(Struct, frozen=True):
    """A raise of single limits over the tier, which ends by itself."""

    until: datetime
    quota: Mapping[str, int] = {}
    """By member name of Quota; 0 is unlimited."""
    compute: Compute | None = None
    reason: str | None = None

    def in_force(self, at: datetime | None) -> bool:
        """Return whether it has not ended; None is a time before every end."""
        return at is None or at < self.until

    def __str__(self) -> str:
        because = f" ({self.reason})" if self.reason else ""
        return f"boost until {rfc3339(self.until)}{because}"


class Hold(Struct, frozen=True):
    """Until it ends, no run changes anything of the tenant."""

    until: datetime
    reason: str

    def in_force(self, at: datetime | None) -> bool:
        """Return whether it has not ended; None is a time before every end."""
        return at is None or at < self.until


class Tenant(PartlyCompared, frozen=True):
    """One tenant. ``snapshots`` and ``dev_branches``: None means not managed, empty means none wanted.

    ``roles`` and ``databases`` are added to those of its tier.
    """

    not_compared: ClassVar[frozenset[str]] = frozenset({"location", "files"})

    name: str
    tier: str
    """The tier of a tombstone may no longer exist."""
    location: Location
    labels: Mapping[str, str] = {}
    overrides: Overrides = Overrides()
    snapshots: tuple[Snapshot, ...] | None = None
    dev_branches: tuple[DevBranch, ...] | None = None
    roles: tuple[str, ...] | None = None
    databases: tuple[Database, ...] | None = None
    protect: bool = False
    accept: Accepted = Accepted()
    previously: tuple[str, ...] = ()
    """Earlier names of the tenant: what is known of them applies to it."""
    absent: bool = False
    """``state: absent``, a tombstone: the project is deleted."""
    suspended: bool = False
    """``state: suspended``: its quota is at Neon's minimum, and its computes are suspended."""
    reason: str | None = None
    """Why it is suspended."""
    boosts: tuple[Boost, ...] = ()
    """Also those that have ended: their values are removed."""
    hold: Hold | None = None
    project_id: str | None = None
    """Pins a project, found by id whatever its name."""
    recover: str | None = None
    """The id of the tenant's deleted project, to recover it. No effect while that project is live."""
    revision: int | None = None
    """The number of this version of the tenant, counted by its author."""
    pins: Pins = Pins()
    files: tuple[str, ...] = ()
    """The files that declare it, relative to the fleet's folder: its document, and a JSON line below it."""

    def reset_number(self, branch: str) -> int:
        """Return the number that counts the resets of a branch; 0 if the file declares none."""
        return next((one.reset for one in self.dev_branches or () if one.name == branch), 0)

    @property
    def reset(self) -> Mapping[str, int]:
        """The numbers that count the resets of branches, by branch."""
        return {branch.name: branch.reset for branch in self.dev_branches or () if branch.reset}

    @property
    def disposable(self) -> tuple[str, ...]:
        """Names of the development branches that may go while nobody uses them."""
        return tuple(branch.name for branch in self.dev_branches or () if branch.disposable)

    @property
    def before(self) -> tuple[Occasion, ...] | None:
        """What a snapshot is taken before, where the file states it."""
        return self.overrides.snapshots_before

    @property
    def retake(self) -> tuple[str, ...]:
        """Names of the snapshots that are taken again if they are lost."""
        return tuple(snapshot.name for snapshot in self.snapshots or () if snapshot.retake)


_USUAL: Final = frozenset({"name", "tier", "location", "labels", "overrides", "protect", "revision", "files"})
"""Fields of which no value makes a tenant one to look at by itself."""
_OTHERS: Final = {name: default for name, default in defaults(Tenant).items() if name not in _USUAL}
_BEYOND: Final = attrgetter(*_OTHERS)
_DEFAULTS: Final = tuple(_OTHERS.values())


def not_plain(tenants: Iterable[Tenant]) -> list[Tenant]:
    """Return those whose files say more than which tier they have, with overrides and labels, as most do."""
    beyond, defaults_of = _BEYOND, _DEFAULTS
    return [tenant for tenant in tenants if beyond(tenant) != defaults_of]
