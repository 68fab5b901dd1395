"""The price list: organizations with their limits, tiers with what they grant."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.model.compute import SHORTEST_SUSPEND_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.compute import Compute
    from reconciler.model.problem import Location
    from reconciler.model.quota import Quota
    from reconciler.model.values import Json


@dataclass(frozen=True, slots=True)
class EnvReference:
    """``${NAME}``: a value that only the environment holds, so that no file and no log does."""

    name: str

    def __str__(self) -> str:
        return f"${{{self.name}}}"


@dataclass(frozen=True, slots=True)
class OrganizationLimits:
    """What Neon allows in an organization; None where the files do not say."""

    projects: int | None = None
    branches: int | None = None
    snapshots: int | None = None
    min_cu: float | None = None
    max_cu: float | None = None
    restore_window_seconds: int | None = None
    min_suspend_timeout_seconds: int | None = None

    @property
    def always_on(self) -> bool:
        """Whether a compute may stay on for ever: not where computes have to run on longer than Neon asks for.

        Such an organization decides itself when computes are suspended (Neon: the Free plan's five minutes).
        """
        least = self.min_suspend_timeout_seconds
        return least is None or least <= SHORTEST_SUSPEND_SECONDS


@dataclass(frozen=True, slots=True)
class Organization:
    """One Neon organization of the fleet; the key is only ever a reference."""

    name: str
    id: str | EnvReference
    api_key: EnvReference
    limits: OrganizationLimits
    location: Location


class AtLimit(Enum):
    """What may make room for a declared snapshot once the limit is reached."""

    REFUSE = "refuse"
    REPLACE_OLDEST = "replace_oldest"
    REPLACE_DECLARED = "replace_declared"


class SnapshotMethod(Enum):
    """Neon's snapshots (beta), or a branch kept as one."""

    API = "api"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class SnapshotPolicy:
    """How a tier's snapshots are made."""

    at_limit: AtLimit = AtLimit.REFUSE
    method: SnapshotMethod = SnapshotMethod.API


@dataclass(frozen=True, slots=True)
class DevBranchPolicy:
    """How many development branches a tier grants, and of which size."""

    max: int | None = None
    compute: Compute | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """One line of the price list. A None is not managed: the live value is left alone."""

    name: str
    organization: str
    location: Location = field(compare=False)
    quota: Quota | None = None
    compute: Compute | None = None
    restore_window_seconds: int | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)
    snapshots: SnapshotPolicy = SnapshotPolicy()
    dev_branches: DevBranchPolicy = DevBranchPolicy()
