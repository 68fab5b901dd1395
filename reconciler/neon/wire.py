"""The shapes of Neon's responses."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import DecodeError, Raw, Struct, ValidationError, field, json

from reconciler.neon.operations import Operation  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SHARED: Final = 1024
"""Equal values that are kept as one object."""
_NOTHING: Final = Raw(b"null")
_AMOUNTS: Final = frozenset({int, float, bool, type(None)})
"""What a quota consists of, in the types of JSON."""


class ComputeAnswer(Struct):
    """Sizes and suspension: the same keys for a project's defaults and for an endpoint."""

    autoscaling_limit_min_cu: float | None = None
    autoscaling_limit_max_cu: float | None = None
    suspend_timeout_seconds: int | None = None


class DefaultComputeAnswer(ComputeAnswer):
    """``default_endpoint_settings`` of a project. An endpoint has its parameters in its settings."""

    pg_settings: dict[str, Any] | None = None


class ProjectAnswer(Struct):
    """A project in a list, and in a read of one project."""

    id: str
    name: str
    region_id: str
    pg_version: int
    created_at: datetime
    org_id: str | None = None
    default_endpoint_settings: Raw = _NOTHING
    """``default_compute`` reads it."""
    settings: Raw = _NOTHING
    """``project_settings`` reads them: many projects have the same."""
    history_retention_seconds: int | None = None
    synthetic_storage_size: int | None = None
    compute_last_active_at: datetime | None = None
    active_time: int | None = None
    """In lists only."""
    active_time_seconds: int | None = None
    compute_time_seconds: int | None = None
    written_data_bytes: int | None = None
    data_transfer_bytes: int | None = None
    deleted_at: datetime | None = None
    recoverable_until: datetime | None = None
    """Neon: with its time of deletion only in lists of deleted projects (``recoverable=true``)."""

    def __post_init__(self) -> None:
        """Raises ValueError, which decoding reports, for an invalid quota. Other settings are free-form."""
        project_settings(bytes(self.settings))
        default_compute(bytes(self.default_endpoint_settings))


@lru_cache(maxsize=MOST_SHARED)
def project_settings(stated: bytes) -> Mapping[str, Any] | None:
    """Return the settings of a project, one object for all with the same; ValueError for an invalid quota."""
    settings: dict[str, Any] | None = _read("settings", stated, dict[str, Any] | None)
    quota = (settings or {}).get("quota")
    if quota is not None and not _is_quota(quota):
        raise ValueError("settings.quota is not an object of numbers")
    return settings


@lru_cache(maxsize=MOST_SHARED)
def default_compute(stated: bytes) -> DefaultComputeAnswer | None:
    """The same for the settings of its computes."""
    found: DefaultComputeAnswer | None = _read("default_endpoint_settings", stated, DefaultComputeAnswer | None)
    return found


def _read(what: str, stated: bytes, shape: Any) -> Any:
    try:
        return json.decode(stated, type=shape)
    except ValidationError as error:
        raise ValueError(f"{what}: {error}") from error
    except UnicodeDecodeError as error:
        raise DecodeError(str(error)) from error


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
    """One organization of the key's user."""

    id: str


class WholeOrganization(OrganizationAnswer):
    """GET /organizations/{id}."""

    name: str
    plan: str


class AuthDetails(Struct):
    """GET /auth: whose key a request comes with."""

    account_id: str
    auth_method: str


class Me(Struct):
    """GET /users/me."""

    id: str


class MemberAnswer(Struct):
    """A person in an organization."""

    user_id: str
    role: str


class OneMember(Struct):
    """An item of a list of members."""

    member: MemberAnswer


class Members(Struct):
    """GET /organizations/{id}/members."""

    members: list[OneMember]
    pagination: Cursor | None = None


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
    """One branch without its annotations, which the response has in a separate map."""

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
    restored_as: str | None = None
    restore_status: str | None = None


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
    name: str | None = None
    pending_state: str | None = None
    disabled: bool | None = None
    last_active: datetime | None = None
    created_at: datetime | None = None
    host: str = ""
    settings: dict[str, Any] | None = None


class Endpoints(Struct):
    """GET /projects/{id}/endpoints."""

    endpoints: list[EndpointAnswer]


class OneEndpoint(Struct):
    """PATCH /projects/{id}/endpoints/{id}."""

    endpoint: EndpointAnswer
    operations: list[Operation] = field(default_factory=list)


class NewBranch(OneBranch):
    """POST /projects/{id}/branches. Its connection strings, which contain passwords, are not decoded."""

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


class RoleAnswer(Struct):
    """A role in a list."""

    name: str


class Roles(Struct):
    """GET .../roles."""

    roles: list[RoleAnswer]


class DatabaseAnswer(Struct):
    """A database of a branch."""

    name: str
    owner_name: str


class Databases(Struct):
    """GET .../databases."""

    databases: list[DatabaseAnswer]


class RoleWithPassword(Struct):
    """A role right after its password was reset."""

    password: str


class ResetRoleAnswer(Struct):
    """POST .../roles/{role_name}/reset_password; holds a password."""

    role: RoleWithPassword
    operations: list[Operation] = field(default_factory=list)


class MetricAnswer(Struct):
    """The value of one metric in one frame."""

    metric_name: str
    value: int


class FrameAnswer(Struct):
    """The metrics of one hour, day or month. Neon: a metric that is 0 may be missing."""

    metrics: list[MetricAnswer] = field(default_factory=list)


class PeriodAnswer(Struct):
    """One billing period. Neon: a change of plan, such as a transfer, starts another."""

    consumption: list[FrameAnswer] = field(default_factory=list)


class ProjectConsumption(Struct):
    """The consumption history of one project."""

    project_id: str
    periods: list[PeriodAnswer] = field(default_factory=list)


class ConsumptionPage(Struct):
    """GET /consumption_history/v2/projects."""

    projects: list[ProjectConsumption]


class OneOperation(Struct):
    """GET /projects/{id}/operations/{id}."""

    operation: Operation


class OperationsPage(Struct):
    """GET /projects/{id}/operations, newest first."""

    operations: list[Operation]
    pagination: Cursor | None = None


class Started(Struct):
    """A response of which only the operations are used."""

    operations: list[Operation] = field(default_factory=list)


class Done(Struct):
    """A response whose body is not used."""


def _is_quota(stated: object) -> bool:
    if not isinstance(stated, dict):
        return False
    kinds = {amount.__class__ for amount in stated.values()}
    return kinds <= _AMOUNTS
