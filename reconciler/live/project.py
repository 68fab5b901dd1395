"""A live project with what has been observed below it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.model.compute import Compute
    from reconciler.model.quota import Consumption, Quota
    from reconciler.model.values import Json

TOLD_TO_THE_SECOND: Final = timedelta(seconds=1)
"""Neon rounds the times of branches: two that are one second apart may be equal."""


@dataclass(frozen=True, slots=True)
class LiveBranch:
    """One branch; ``annotations`` is empty where it has none."""

    id: str
    name: str
    parent_id: str | None
    default: bool
    protected: bool
    annotations: Mapping[str, str]
    created_at: datetime
    logical_size_bytes: int | None = None
    expires_at: datetime | None = None
    lifetime_seconds: int | None = None
    """From when the expiry was set until it; a reset starts it again (Neon: ttl_interval_seconds)."""
    reset_at: datetime | None = None
    """When it was last reset, to its parent or to its own past. Its earlier history cannot be read."""
    restored: bool = False
    """Whether it was created from a snapshot: it has no earlier history (Neon: guides/backup-restore)."""

    @property
    def moved_by_a_reset(self) -> bool:
        """Whether its expiry is the one that Neon set at the reset."""
        if self.expires_at is None or self.reset_at is None or self.lifetime_seconds is None:
            return False
        set_by_reset = self.reset_at + timedelta(seconds=self.lifetime_seconds)
        return abs(self.expires_at - set_by_reset) <= TOLD_TO_THE_SECOND


@dataclass(frozen=True, slots=True)
class LiveEndpoint:
    """One compute of a branch."""

    id: str
    branch_id: str
    kind: Literal["read_write", "read_only"]
    compute: Compute
    active: bool
    """True while it runs: patching its size then drops connections."""
    disabled: bool = False
    """Whether it was disabled: nobody can connect (Neon: Endpoint)."""
    pg_settings: int = 0
    """The number of Postgres settings on it."""

    @property
    def writes(self) -> bool:
        """Whether it is the branch's read-write compute."""
        return self.kind == "read_write"


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """One snapshot. Names are not unique, and it carries no annotation (Neon)."""

    id: str
    name: str
    source_branch_id: str | None
    created_at: datetime
    expires_at: datetime | None = None
    manual: bool = True
    """False for a snapshot of a backup schedule, which does not count against the limit (Neon)."""


@dataclass(frozen=True, slots=True)
class LiveProject:
    """A project as listed, plus details where they were read."""

    id: str
    name: str
    organization: str
    """The organization's name in ``tiers.yaml``, not Neon's id."""
    region: str
    pg_version: int
    created_at: datetime
    quota: Quota | None
    compute: Compute | None
    """Defaults for computes created later; existing ones keep their own (Neon: default_endpoint_settings)."""
    restore_window_seconds: int | None
    settings: Mapping[str, Json] | None
    """Free-form settings as the API words them, without ``quota``."""
    storage_bytes: int | None = None
    """Of all branches together, with their history."""
    consumption: Consumption | None = None
    """None where only the list was read."""
    last_active_at: datetime | None = None
    integrations: tuple[str, ...] | None = None
    """Names of its integrations, some of which prevent a transfer (Neon). Only lists show them."""
    branches: tuple[LiveBranch, ...] | None = None
    endpoints: tuple[LiveEndpoint, ...] | None = None
    snapshots: tuple[LiveSnapshot, ...] | None = None

    @property
    def default_branch(self) -> LiveBranch | None:
        """The default branch, where branches were observed."""
        return next((branch for branch in self.branches or () if branch.default), None)

    def read_write(self, branch: LiveBranch | None) -> LiveEndpoint | None:
        """The branch's read-write compute, where computes were observed; a branch has one at most (Neon)."""
        return next((e for e in self.endpoints or () if branch and e.branch_id == branch.id and e.writes), None)

    @property
    def writers(self) -> dict[str, LiveEndpoint]:
        """The read-write computes that were observed, by the id of their branch."""
        return {endpoint.branch_id: endpoint for endpoint in reversed(self.endpoints or ()) if endpoint.writes}

    @property
    def annotations(self) -> tuple[Mapping[str, str], ...]:
        """Those of all its branches: a finalized restore leaves a default branch that has none."""
        return tuple(branch.annotations for branch in self.branches or () if branch.annotations)


@dataclass(frozen=True, slots=True)
class DeletedProject:
    """A project that was deleted and can still be recovered, as it was listed; nothing below it can be read."""

    project: LiveProject
    deleted_at: datetime | None
    recoverable_until: datetime
