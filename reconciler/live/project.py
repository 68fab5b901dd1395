"""A live project with what has been observed below it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal, TypeAlias

from msgspec import Struct

from reconciler.model.compute import Compute  # noqa: TC001 - msgspec reads the annotations
from reconciler.model.database import Database  # noqa: TC001 - msgspec reads the annotations
from reconciler.model.quota import Consumption, Quota  # noqa: TC001 - msgspec reads the annotations
from reconciler.model.values import Json, PartlyCompared

COUNTERS_LAG: Final = timedelta(hours=1)
"""Neon: counters lag by up to an hour (guides/consumption-limits)."""
STATED_TO_THE_SECOND: Final = timedelta(seconds=1)
"""Neon rounds the times of branches: times that differ by one second may be equal."""


class SnapshotRestore(Struct, frozen=True):
    """How a branch was made of a snapshot (Neon: restored_from, restored_as, restore_status)."""

    snapshot_id: str
    replaces_id: str | None
    """The branch whose place it takes: at once, or when the restore is finalized."""
    finalized: bool = True


class LiveBranch(Struct, frozen=True):
    """One branch."""

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
    """The time from setting the expiry to the expiry; a reset restarts it (Neon: ttl_interval_seconds)."""
    reset_at: datetime | None = None
    """When it was last reset, to its parent or to its own history. Its earlier history cannot be read."""
    restore: SnapshotRestore | None = None
    """Set if it was created from a snapshot: it has no earlier history (Neon: guides/backup-restore)."""

    @property
    def restored(self) -> bool:
        """Whether it was created from a snapshot."""
        return self.restore is not None

    @property
    def moved_by_a_reset(self) -> bool:
        """Whether its expiry is the one that Neon set at the reset."""
        if self.expires_at is None or self.reset_at is None or self.lifetime_seconds is None:
            return False
        set_by_reset = self.reset_at + timedelta(seconds=self.lifetime_seconds)
        return abs(self.expires_at - set_by_reset) <= STATED_TO_THE_SECOND


class LiveEndpoint(Struct, frozen=True):
    """One compute of a branch."""

    id: str
    branch_id: str
    kind: Literal["read_write", "read_only"]
    compute: Compute
    active: bool
    """Whether it runs: a patch of its size then drops connections."""
    disabled: bool = False
    """Whether it is disabled: connections fail (Neon: Endpoint)."""
    other_settings: Mapping[str, Json] = {}
    """Its settings beside Postgres parameters, as the API returns them."""
    host: str = ""
    """Where it can be connected to."""
    last_active_at: datetime | None = None
    """When it was last used; None if Neon does not say."""
    name: str = ""
    """Its own name; a compute may have none."""
    created_at: datetime | None = None
    """When it was created, to the second; None if Neon does not say."""

    @property
    def order(self) -> tuple[float, str]:
        """Its place among several with one name: the first one that was created, then the first by id."""
        return (0.0 if self.created_at is None else self.created_at.timestamp()), self.id

    @property
    def writes(self) -> bool:
        """Whether it is the branch's read-write compute."""
        return self.kind == "read_write"


class LiveSnapshot(Struct, frozen=True):
    """One snapshot. Names are not unique, and it carries no annotation (Neon)."""

    id: str
    name: str
    source_branch_id: str | None
    created_at: datetime
    expires_at: datetime | None = None
    manual: bool = True
    """False for a snapshot of a backup schedule, which does not count against the limit (Neon)."""


class LiveProject(Struct, frozen=True):
    """A project as listed, with the details that were read."""

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
    """Settings as the API returns them, without ``quota``."""
    storage_bytes: int | None = None
    """The size of all branches together, with their history."""
    consumption: Consumption | None = None
    """None if only the list was read."""
    listed_active_seconds: int | None = None
    """The active time that a list shows. Neon does not document whether it is that of the billing period."""
    last_active_at: datetime | None = None
    """When one of its computes was last active: up to an hour late (Neon: guides/consumption-limits)."""
    integrations: tuple[str, ...] | None = None
    """Names of its integrations, some of which prevent a transfer (Neon). Only lists show them."""
    branches: tuple[LiveBranch, ...] | None = None
    roles: Mapping[str, tuple[str, ...]] = {}
    """The names of the roles of each branch for which they were read, by the id of the branch."""
    databases: Mapping[str, tuple[Database, ...]] = {}
    """The databases of each branch for which they were read, by the id of the branch."""
    endpoints: tuple[LiveEndpoint, ...] | None = None
    snapshots: tuple[LiveSnapshot, ...] | None = None

    @property
    def default_branch(self) -> LiveBranch | None:
        """The default branch, where branches were observed."""
        return next((branch for branch in self.branches or () if branch.default), None)

    @property
    def latest_activity(self) -> datetime | None:
        """The latest activity that it or an observed compute shows; a compute shows its own without a lag."""
        shown = (self.last_active_at, *(endpoint.last_active_at for endpoint in self.endpoints or ()))
        return max((moment for moment in shown if moment is not None), default=None)

    @property
    def branch_names(self) -> dict[str, str]:
        """The names of the observed branches by id."""
        return {branch.id: branch.name for branch in self.branches or ()}

    def read_write(self, branch: LiveBranch | None) -> LiveEndpoint | None:
        """The branch's read-write compute, where computes were observed; a branch has one at most (Neon)."""
        return None if branch is None else self.compute_of(branch.id)

    def compute_of(self, branch_id: str, replica: str | None = None) -> LiveEndpoint | None:
        """The branch's read-write compute, or its read replica of a name: of several, the first one created."""
        found = (e for e in self.endpoints or () if e.branch_id == branch_id)
        if replica is None:
            return next((e for e in found if e.writes), None)
        named = (e for e in found if not e.writes and e.name == replica)
        return min(named, key=lambda endpoint: endpoint.order, default=None)

    @property
    def writers(self) -> dict[str, LiveEndpoint]:
        """The read-write computes that were observed, by the id of their branch."""
        return {endpoint.branch_id: endpoint for endpoint in reversed(self.endpoints or ()) if endpoint.writes}

    @property
    def annotations(self) -> tuple[Mapping[str, str], ...]:
        """The annotations of all branches: after a finalized restore, the default branch has none."""
        return tuple(branch.annotations for branch in self.branches or () if branch.annotations)

    def unused(self, since: datetime | None) -> bool:
        """Whether none of its computes ran in this period: then it has consumed nothing of a periodic quota.

        ``since``: when the period began; None if the time is not known.
        """
        if self.listed_active_seconds == 0:
            return True
        last = self.last_active_at
        return last is not None and since is not None and last < since - COUNTERS_LAG

    def used_at_most(self, quota: str, since: datetime | None) -> int | None:
        """An upper bound of what is used of a periodic quota since ``since``; None if nothing read shows one.

        Neon does not document whether the active time of a list is that of the period: it is not less than that.
        """
        if self.consumption is not None:
            counted: int | None = getattr(self.consumption, quota)
            return counted
        if self.unused(since):
            return 0
        return self.listed_active_seconds if quota == "active_time_seconds" else None

    def holds_less_than(self, limit: int) -> bool:
        """Whether all its data, with history, is below the limit. Neon: 0 means not measured yet."""
        return bool(self.storage_bytes) and (self.storage_bytes or 0) < limit


class DeletedProject(Struct, frozen=True):
    """A deleted project that can be recovered, as listed: its branches and other details cannot be read."""

    project: LiveProject
    deleted_at: datetime | None
    recoverable_until: datetime


Details: TypeAlias = "frozenset[str]"
"""Details to read below a project: names of attributes of LiveProject."""

NOTHING_BELOW: Final[Details] = frozenset()
BRANCHES: Final[Details] = frozenset({"branches"})
COMPUTES: Final[Details] = BRANCHES | {"endpoints"}
CONTENTS: Final[Details] = COMPUTES | {"roles", "databases"}
SNAPSHOTS: Final[Details] = BRANCHES | {"snapshots"}
"""Branch names are reused, so whatever a name leads to is read together with the names."""


class Needs(PartlyCompared, frozen=True):
    """What has to be read before a plan can be made (``plan/needs.py``): ids of projects, in order, by call."""

    not_compared: ClassVar[frozenset[str]] = frozenset({"reasons"})

    projects: tuple[str, ...] = ()
    """GET one: the list left out a value, or the usage of a quota is needed, which no list contains."""
    branches: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    """A search by name: a project read by id shows no integrations."""
    roles: tuple[tuple[str, str], ...] = ()
    databases: tuple[tuple[str, str], ...] = ()
    """Of one branch each: its project's id and its own."""
    reasons: tuple[str, ...] = ()
    """What is read and why, for people: ``branches of 5,000 projects to be deleted``."""

    def __bool__(self) -> bool:
        of_projects = (self.projects, self.branches, self.endpoints, self.snapshots, self.integrations)
        return any((*of_projects, self.roles, self.databases))
