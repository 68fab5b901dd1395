"""The plain types with which a caller describes an account: limits, quotas and computes.

They repeat types of the product on purpose: the simulator judges the product, and a shared type would share
a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

SHORTEST_SUSPEND_SECONDS: Final = 60
"""Neon: SuspendTimeoutSeconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an organization allows. A limit of None is none."""

    projects: int | None = None
    branches: int | None = None
    """Of one project, its default branch included."""
    snapshots: int | None = None
    """Of one project."""
    min_cu: float | None = None
    max_cu: float | None = None
    restore_window_seconds: int | None = None
    min_suspend_timeout_seconds: int | None = None
    replicas: int | None = None
    """Read-only computes of one project."""

    @property
    def always_on(self) -> bool:
        """Whether a compute may stay on for ever: where no more than Neon's own 60 s are asked for."""
        least = self.min_suspend_timeout_seconds
        return least is None or least <= SHORTEST_SUSPEND_SECONDS


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization of the account."""

    name: str
    limits: Limits = field(default_factory=Limits)
    reference: str | None = None
    """How the caller refers to the organization: one with a known reference keeps its id under a new name."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A project's limits per billing period; 0 is unlimited (Neon: ProjectQuota)."""

    active_time_seconds: int = 0
    compute_time_seconds: int = 0
    written_data_bytes: int = 0
    data_transfer_bytes: int = 0
    logical_size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Compute:
    """Size (in CU) and suspension of a compute; None follows the project's defaults, or Neon's."""

    min_cu: float | None = None
    max_cu: float | None = None
    suspend_timeout_seconds: int | None = None
    """-1 is never; 0 is Neon's default of 300."""


GUIDE_ORGANIZATIONS: Final = (
    Organization("free", Limits(30_000, 10, 1, 0.25, 2, 86_400, 300)),
    Organization("paid", Limits(30_000, 1000, 10, 0.25, 16, 604_800, 60)),
)
"""The two organizations of an agent platform, with the limits of Neon's guide."""
