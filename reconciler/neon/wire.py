"""Neon's own words: the shape of its answers, and what they are in our live types."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct, field

from reconciler.desired.naming import composed
from reconciler.live.project import DeletedProject, LiveBranch, LiveEndpoint, LiveProject, LiveSnapshot
from reconciler.model.compute import DEFAULT_SUSPEND_TIMEOUT_SECONDS, Compute
from reconciler.model.moments import utc
from reconciler.model.quota import Consumption, Quota
from reconciler.neon.operations import Operation  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.values import Json

OLDEST_YEAR: Final = 2000
"""Neon: a moment that is not set may be answered as year 1."""


class ComputeAnswer(Struct):
    """Sizes and suspension, the same of a project's defaults and of an endpoint."""

    autoscaling_limit_min_cu: float | None = None
    autoscaling_limit_max_cu: float | None = None
    suspend_timeout_seconds: int | None = None


class ProjectAnswer(Struct):
    """What the list and the single read of a project have in common."""

    id: str
    name: str
    region_id: str
    pg_version: int
    created_at: datetime
    org_id: str | None = None
    default_endpoint_settings: ComputeAnswer | None = None
    settings: dict[str, Any] | None = None
    history_retention_seconds: int | None = None
    synthetic_storage_size: int | None = None
    compute_last_active_at: datetime | None = None
    active_time_seconds: int | None = None
    compute_time_seconds: int | None = None
    written_data_bytes: int | None = None
    data_transfer_bytes: int | None = None
    deleted_at: datetime | None = None
    recoverable_until: datetime | None = None
    """Neon: with its time of deletion only in lists of deleted projects (``recoverable=true``)."""

    def __post_init__(self) -> None:
        """Raises ValueError, which decoding reports, where the quota is none: settings are free-form otherwise."""
        quota = (self.settings or {}).get("quota")
        if quota is not None and not _is_quota(quota):
            raise ValueError("settings.quota is not an object of numbers")


class Cursor(Struct):
    """Where the next page begins. Neon: ``cursor`` for projects and operations, ``next`` for branches."""

    cursor: str | None = None
    next: str | None = None


class ProjectsPage(Struct):
    """GET /projects."""

    projects: list[ProjectAnswer]
    unavailable_project_ids: list[str] = field(default_factory=list)
    pagination: Cursor | None = None
    applications: dict[str, list[str]] = field(default_factory=dict)
    integrations: dict[str, list[str]] = field(default_factory=dict)


class OrganizationAnswer(Struct):
    """One organization, as far as it matters who is in it."""

    id: str


class MyOrganizations(Struct):
    """GET /users/me/organizations."""

    organizations: list[OrganizationAnswer]


class OneProject(Struct):
    """GET and PATCH /projects/{id}."""

    project: ProjectAnswer
    operations: list[Operation] = field(default_factory=list)


class RecoveredProject(Struct):
    """POST /projects/{id}/recover."""

    project: ProjectAnswer
    branches: list[BranchAnswer] = field(default_factory=list)


class BranchAnswer(Struct):
    """One branch, but for its annotations, which come in a map of their own."""

    id: str
    name: str
    default: bool
    protected: bool
    created_at: datetime
    parent_id: str | None = None
    logical_size: int | None = None
    expires_at: datetime | None = None
    ttl_interval_seconds: int | None = None
    last_reset_at: datetime | None = None
    restored_from: str | None = None


class AnnotationAnswer(Struct):
    """An annotation of one branch."""

    value: dict[str, str] = field(default_factory=dict)


class BranchesPage(Struct):
    """GET /projects/{id}/branches."""

    branches: list[BranchAnswer]
    annotations: dict[str, AnnotationAnswer] = field(default_factory=dict)
    pagination: Cursor | None = None


class OneBranch(Struct):
    """PATCH /projects/{id}/branches/{id}. Neon: annotations come with reads only."""

    branch: BranchAnswer
    operations: list[Operation] = field(default_factory=list)


class EndpointAnswer(ComputeAnswer, kw_only=True):
    """One compute."""

    id: str
    branch_id: str
    type: Literal["read_write", "read_only"]
    current_state: str
    pending_state: str | None = None
    disabled: bool | None = None
    settings: dict[str, Any] | None = None


class Endpoints(Struct):
    """GET /projects/{id}/endpoints."""

    endpoints: list[EndpointAnswer]


class OneEndpoint(Struct):
    """PATCH /projects/{id}/endpoints/{id}."""

    endpoint: EndpointAnswer
    operations: list[Operation] = field(default_factory=list)


class NewBranch(OneBranch):
    """POST /projects/{id}/branches. Its connection strings, which hold passwords, are not even decoded."""

    endpoints: list[EndpointAnswer] = field(default_factory=list)


class SnapshotAnswer(Struct):
    """One snapshot."""

    id: str
    name: str
    created_at: datetime
    source_branch_id: str | None = None
    expires_at: datetime | None = None
    manual: bool = True


class Snapshots(Struct):
    """GET /projects/{id}/snapshots."""

    snapshots: list[SnapshotAnswer]


class NewSnapshot(Struct):
    """POST /projects/{id}/branches/{id}/snapshot."""

    snapshot: SnapshotAnswer
    operations: list[Operation] = field(default_factory=list)


class ConnectionUri(Struct):
    """One entry of ``connection_uris``; holds a password."""

    connection_uri: str


class NewProject(Struct):
    """POST /projects."""

    project: ProjectAnswer
    branch: BranchAnswer
    endpoints: list[EndpointAnswer] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    connection_uris: list[ConnectionUri] = field(default_factory=list)


class UriAnswer(Struct):
    """GET /projects/{id}/connection_uri; holds a password."""

    uri: str


class OneOperation(Struct):
    """GET /projects/{id}/operations/{id}."""

    operation: Operation


class OperationsPage(Struct):
    """GET /projects/{id}/operations, newest first."""

    operations: list[Operation]
    pagination: Cursor | None = None


class Started(Struct):
    """An answer of which only the operations matter."""

    operations: list[Operation] = field(default_factory=list)


class Done(Struct):
    """An answer whose body says nothing that we need."""


def live_project(
    answer: ProjectAnswer, organization: str, integrations: Iterable[str] | None = None
) -> LiveProject:
    """The project in our names and units; what the answer leaves out is None, not observed."""
    return LiveProject(
        id=answer.id,
        name=composed(answer.name),
        organization=organization,
        region=answer.region_id,
        pg_version=answer.pg_version,
        created_at=utc(answer.created_at),
        quota=_quota(answer.settings),
        compute=_default_compute(answer.default_endpoint_settings),
        restore_window_seconds=answer.history_retention_seconds,
        settings=_free_form(answer.settings),
        storage_bytes=answer.synthetic_storage_size,
        consumption=_consumption(answer),
        last_active_at=_moment(answer.compute_last_active_at),
        integrations=None if integrations is None else tuple(sorted(set(integrations))),
    )


def live_projects(page: ProjectsPage, organization: str) -> list[LiveProject]:
    """A page of the list; what is connected to a project stands in maps of its own.

    Neon does not say whether lists show quotas: one that is left out may be unlimited, or just not shown.
    """
    projects = (live_project(answer, organization, _integrations(page, answer.id)) for answer in page.projects)
    return [
        project if "quota" in (answer.settings or {}) else replace(project, quota=None)
        for project, answer in zip(projects, page.projects, strict=True)
    ]


def deleted_projects(page: ProjectsPage, organization: str) -> list[DeletedProject]:
    """A page of the list of deleted projects; one that does not say until when it can be recovered cannot be."""
    listed = zip(live_projects(page, organization), page.projects, strict=True)
    return [
        DeletedProject(project, _moment(answer.deleted_at), utc(answer.recoverable_until))
        for project, answer in listed
        if answer.recoverable_until is not None
    ]


def _integrations(page: ProjectsPage, project_id: str) -> list[str]:
    return [*page.integrations.get(project_id, ()), *page.applications.get(project_id, ())]


def live_branches(page: BranchesPage) -> list[LiveBranch]:
    """A page of the list; annotations stand in a map of their own."""
    notes = {branch_id: annotation.value for branch_id, annotation in page.annotations.items()}
    return [live_branch(answer, notes.get(answer.id, {})) for answer in page.branches]


def live_branch(answer: BranchAnswer, annotations: Mapping[str, str]) -> LiveBranch:
    """The branch with its annotations, which no answer holds inside of it."""
    return LiveBranch(
        id=answer.id,
        name=composed(answer.name),
        parent_id=answer.parent_id,
        default=answer.default,
        protected=answer.protected,
        annotations=annotations,
        created_at=utc(answer.created_at),
        logical_size_bytes=answer.logical_size,
        expires_at=_moment(answer.expires_at),
        lifetime_seconds=answer.ttl_interval_seconds,
        reset_at=_moment(answer.last_reset_at),
        restored=answer.restored_from is not None,
    )


def live_endpoint(answer: EndpointAnswer) -> LiveEndpoint:
    """The compute; one that is about to run counts as running."""
    return LiveEndpoint(
        id=answer.id,
        branch_id=answer.branch_id,
        kind=answer.type,
        compute=_compute(answer),
        active="active" in (answer.current_state, answer.pending_state),
        disabled=bool(answer.disabled),
        pg_settings=_stated(answer.settings, "pg_settings"),
    )


def _stated(settings: Mapping[str, Any] | None, name: str) -> int:
    """How many members an object of the settings has; what is no object states nothing."""
    stated = (settings or {}).get(name)
    return len(stated) if isinstance(stated, dict) else 0


def live_snapshot(answer: SnapshotAnswer) -> LiveSnapshot:
    """The snapshot; one that does not say who took it counts as manual, so that it is not taken twice."""
    return LiveSnapshot(
        id=answer.id,
        name=composed(answer.name),
        source_branch_id=answer.source_branch_id,
        created_at=utc(answer.created_at),
        expires_at=_moment(answer.expires_at),
        manual=answer.manual,
    )


def _moment(moment: datetime | None) -> datetime | None:
    return None if moment is None or moment.year < OLDEST_YEAR else utc(moment)


def _is_quota(stated: object) -> bool:
    return isinstance(stated, dict) and all(isinstance(amount, int | float | None) for amount in stated.values())


def _quota(settings: Mapping[str, Any] | None) -> Quota | None:
    """Neon: a member that is absent or 0 is unlimited; without ``settings`` nothing is said about quotas."""
    if settings is None:
        return None
    stated = settings.get("quota") or {}
    return Quota(**{member: int(stated.get(member) or 0) for member in Quota.__dataclass_fields__})


def _consumption(answer: ProjectAnswer) -> Consumption | None:
    """Neon: the list tells none of the counters."""
    stated = Consumption(
        answer.active_time_seconds,
        answer.compute_time_seconds,
        answer.written_data_bytes,
        answer.data_transfer_bytes,
    )
    return None if stated == Consumption() else stated


def _free_form(settings: Mapping[str, Any] | None) -> dict[str, Json] | None:
    return None if settings is None else {key: value for key, value in settings.items() if key != "quota"}


def _default_compute(answer: ComputeAnswer | None) -> Compute | None:
    """Neon: the list has been seen to say 0/0/0 where the project itself says 0.25/0.25/0."""
    if answer is None:
        return None
    compute = _compute(answer)
    return None if compute.min_cu is None and compute.max_cu is None else compute


def _compute(answer: ComputeAnswer) -> Compute:
    suspend = answer.suspend_timeout_seconds
    return Compute(
        min_cu=answer.autoscaling_limit_min_cu or None,
        max_cu=answer.autoscaling_limit_max_cu or None,
        suspend_timeout_seconds=DEFAULT_SUSPEND_TIMEOUT_SECONDS if suspend == 0 else suspend,
    )
