"""tiers.yaml: organizations with their limits, and tiers with the values that they grant."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from reconciler.model.compute import SHORTEST_SUSPEND_SECONDS
from reconciler.model.values import PartlyCompared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.rotation import Rotation
    from reconciler.model.compute import Compute
    from reconciler.model.database import Database
    from reconciler.model.problem import Location
    from reconciler.model.quota import Quota
    from reconciler.model.values import Json


USAGE_THRESHOLDS: Final = (80, 95)
"""Percent of a quota at which a tenant is reported, unless its tier states others (Neon's guide for agents)."""


class EnvReference(Struct, frozen=True):
    """``${NAME}``: a value of the environment, which no file and no log contains."""

    name: str

    def __str__(self) -> str:
        return f"${{{self.name}}}"


class KeptStrings(Enum):
    """What a registry keeps of the connection strings of tenants."""

    NONE = "none"
    ENCRYPTED = "encrypted"


class OrganizationLimits(Struct, frozen=True):
    """What Neon allows in an organization; None if the files declare no limit."""

    projects: int | None = None
    branches: int | None = None
    snapshots: int | None = None
    min_cu: float | None = None
    max_cu: float | None = None
    restore_window_seconds: int | None = None
    min_suspend_timeout_seconds: int | None = None
    replicas: int | None = None
    """Read replicas of one project."""

    @property
    def always_on(self) -> bool:
        """Whether computes may be configured to never suspend.

        They may not if the shortest allowed timeout is longer than Neon's own: such an organization decides itself
        when computes are suspended (Neon: the Free plan's five minutes).
        """
        least = self.min_suspend_timeout_seconds
        return least is None or least <= SHORTEST_SUSPEND_SECONDS


class Organization(Struct, frozen=True):
    """One Neon organization of the fleet. The key is always a reference to a variable."""

    name: str
    id: str | EnvReference
    api_key: EnvReference
    limits: OrganizationLimits
    location: Location


class SqlSource(PartlyCompared, frozen=True):
    """A query whose rows are tenants."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"location"})

    url: EnvReference
    query: str
    location: Location
    index: int = 0
    """Its place among the sources of tiers.yaml."""


class AtLimit(Enum):
    """Which snapshots are deleted for a declared one if the limit is reached."""

    REFUSE = "refuse"
    REPLACE_OLDEST = "replace_oldest"
    REPLACE_DECLARED = "replace_declared"


class SnapshotMethod(Enum):
    """Neon's snapshots (beta), or a branch kept as one."""

    API = "api"
    BRANCH = "branch"


class Occasion(Enum):
    """What a snapshot is taken before."""

    DOWNGRADE = "downgrade"
    RESTORE = "restore"
    DELETE = "delete"


class SnapshotPolicy(Struct, frozen=True):
    """How a tier's snapshots are created and replaced."""

    at_limit: AtLimit = AtLimit.REFUSE
    method: SnapshotMethod = SnapshotMethod.API
    rotate: Rotation | None = None
    """None: no snapshots are rotated, and those that were stay."""
    before: tuple[Occasion, ...] | None = None
    """None: only a restore has a snapshot before it, where there is room."""
    keep_before: int = 1
    """How many snapshots before downgrades stay, at least one."""


class DevBranchPolicy(Struct, frozen=True):
    """The number and size of the development branches that a tier grants."""

    max: int | None = None
    compute: Compute | None = None


class WhenCrowded(Enum):
    """What happens to a declared branch for which there is no room."""

    REFUSE = "refuse"
    OLDEST_IDLE = "oldest_idle"


class BranchCleanup(Struct, frozen=True):
    """Which development branches go because nobody uses them."""

    idle_seconds: int | None = None
    """After what time; None: never by time."""
    at_limit: WhenCrowded = WhenCrowded.REFUSE


class Cleanup(Struct, frozen=True):
    """What is deleted by time alone. By default nothing is."""

    old_branches_seconds: int | None = None
    """How long a branch stays that a restore left."""
    dev_branches: BranchCleanup = BranchCleanup()


class Tier(PartlyCompared, frozen=True):
    """One tier. None means not managed: the live value is kept."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"location"})

    name: str
    organization: str
    location: Location
    quota: Quota | None = None
    compute: Compute | None = None
    restore_window_seconds: int | None = None
    protected: bool | None = None
    """Whether Neon protects the default branch."""
    settings: Mapping[str, Json] = {}
    snapshots: SnapshotPolicy = SnapshotPolicy()
    dev_branches: DevBranchPolicy = DevBranchPolicy()
    cleanup: Cleanup = Cleanup()
    replicas: Mapping[str, Compute] | None = None
    """The read replicas of the default branch by name. None means not managed."""
    roles: tuple[str, ...] | None = None
    databases: tuple[Database, ...] | None = None
    """Of the default branch."""
    usage_thresholds: tuple[int, ...] = USAGE_THRESHOLDS
    """Percent of a quota, in ascending order. They change no project."""
