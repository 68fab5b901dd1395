"""Request bodies as Neon's description declares them: unknown keys and wrong types are refused.

Members that a request leaves out are UNSET, so that a PATCH changes what it names and nothing else.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

_ATOM: Final = r"[A-Za-z0-9_%+-]+"
_LABEL: Final = r"(?!-)(?!..--)[A-Za-z0-9-]{1,63}(?<!-)"
_EMAIL: Final = rf"^(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+\Z"

ResourceId: TypeAlias = Annotated[str, Meta(pattern="^[a-z0-9-]{1,60}$")]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256)]
BranchName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"\S")]
FreeBranchName: TypeAlias = Annotated[str, Meta(max_length=256, pattern=r"^$|\S")]
"""A name for a branch; an empty one is none."""
ComputeUnit: TypeAlias = Annotated[float, Meta(ge=0.25)]
SuspendTimeoutSeconds: TypeAlias = Annotated[int, Meta(ge=-1, le=604_800)]
RestoreWindowSeconds: TypeAlias = Annotated[int, Meta(ge=0, le=2_592_000)]
Amount: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Annotations: TypeAlias = Annotated[dict[str, str], Meta(max_length=50)]
Weekday: TypeAlias = Annotated[int, Meta(ge=1, le=7)]
TimeOfDay: TypeAlias = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
EndpointType: TypeAlias = Literal["read_only", "read_write"]
Email: TypeAlias = Annotated[str, Meta(max_length=256, pattern=_EMAIL)]
TextSettings: TypeAlias = dict[str, str]


class Body(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Any object of a request."""


class QuotaBody(Body, frozen=True):
    """Limits of a project per billing period; 0 is unlimited."""

    active_time_seconds: Amount | UnsetType = UNSET
    compute_time_seconds: Amount | UnsetType = UNSET
    written_data_bytes: Amount | UnsetType = UNSET
    data_transfer_bytes: Amount | UnsetType = UNSET
    logical_size_bytes: Amount | UnsetType = UNSET


class AllowedIps(Body, frozen=True):
    """Which addresses may connect."""

    ips: list[str] | UnsetType = UNSET
    protected_branches_only: bool | UnsetType = UNSET


class MaintenanceWindow(Body, frozen=True):
    """When Neon may update the project's computes: Monday is 1, times are ``HH:MM`` in UTC."""

    weekdays: list[Weekday]
    start_time: TimeOfDay
    end_time: TimeOfDay


class PreloadLibraries(Body, frozen=True):
    """Libraries that every compute loads."""

    use_defaults: bool | UnsetType = UNSET
    enabled_libraries: list[str] | UnsetType = UNSET


class ProjectSettings(Body, frozen=True):
    """``settings`` of a project."""

    quota: QuotaBody | UnsetType = UNSET
    allowed_ips: AllowedIps | UnsetType = UNSET
    enable_logical_replication: bool | UnsetType = UNSET
    maintenance_window: MaintenanceWindow | UnsetType = UNSET
    block_public_connections: bool | UnsetType = UNSET
    block_vpc_connections: bool | UnsetType = UNSET
    audit_log_level: Literal["base", "extended", "full"] | UnsetType = UNSET
    hipaa: bool | UnsetType = UNSET
    preload_libraries: PreloadLibraries | UnsetType = UNSET


class ComputeBody(Body, frozen=True):
    """Size and suspension, as several requests state them."""

    autoscaling_limit_min_cu: ComputeUnit | UnsetType = UNSET
    autoscaling_limit_max_cu: ComputeUnit | UnsetType = UNSET
    suspend_timeout_seconds: SuspendTimeoutSeconds | UnsetType = UNSET


class DefaultEndpointSettings(ComputeBody, frozen=True):
    """What computes that are created later start with."""

    pg_settings: TextSettings | UnsetType = UNSET
    pgbouncer_settings: TextSettings | UnsetType = UNSET


class FirstBranch(Body, frozen=True):
    """The branch that comes with a project."""

    name: BranchName | UnsetType = UNSET
    role_name: str | UnsetType = UNSET
    database_name: str | UnsetType = UNSET
    annotations: Annotations | UnsetType = UNSET


class ProjectPatch(Body, frozen=True):
    """What can be changed about a project."""

    settings: ProjectSettings | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    default_endpoint_settings: DefaultEndpointSettings | UnsetType = UNSET
    history_retention_seconds: RestoreWindowSeconds | UnsetType = UNSET


class NewProject(ProjectPatch, frozen=True):
    """What can be said about a new project."""

    branch: FirstBranch | UnsetType = UNSET
    autoscaling_limit_min_cu: ComputeUnit | UnsetType = UNSET
    autoscaling_limit_max_cu: ComputeUnit | UnsetType = UNSET
    provisioner: str | UnsetType = UNSET
    region_id: str | UnsetType = UNSET
    pg_version: Annotated[int, Meta(ge=14, le=18)] | UnsetType = UNSET
    store_passwords: bool | UnsetType = UNSET
    org_id: ResourceId | UnsetType = UNSET


class CreateProject(Body, frozen=True):
    """POST /projects."""

    project: NewProject


class UpdateProject(Body, frozen=True):
    """PATCH /projects/{project_id}."""

    project: ProjectPatch


class TransferProjects(Body, frozen=True):
    """POST /organizations/{source_org_id}/projects/transfer."""

    destination_org_id: ResourceId
    project_ids: Annotated[list[ResourceId], Meta(min_length=1, max_length=400)]


class CreateKey(Body, frozen=True):
    """POST /api_keys."""

    key_name: Annotated[str, Meta(max_length=64)]


class CreateOrganizationKey(CreateKey, frozen=True):
    """POST /organizations/{org_id}/api_keys."""

    project_id: ResourceId | UnsetType = UNSET


class GrantPermission(Body, frozen=True):
    """POST /projects/{project_id}/permissions."""

    email: Email


class EndpointSettings(Body, frozen=True):
    """``settings`` of a compute."""

    pg_settings: TextSettings | UnsetType = UNSET
    pgbouncer_settings: TextSettings | UnsetType = UNSET
    preload_libraries: PreloadLibraries | UnsetType = UNSET


class EndpointOfBranch(ComputeBody, frozen=True, kw_only=True):
    """A compute that a new branch is to have."""

    type: EndpointType
    settings: EndpointSettings | UnsetType = UNSET
    provisioner: str | UnsetType = UNSET


class NewBranch(Body, frozen=True):
    """What can be said about a new branch."""

    parent_id: ResourceId | UnsetType = UNSET
    name: BranchName | UnsetType = UNSET
    parent_lsn: str | UnsetType = UNSET
    parent_timestamp: str | UnsetType = UNSET
    protected: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    init_source: Literal["parent-data", "schema-only"] | UnsetType = UNSET
    expires_at: str | UnsetType = UNSET


class CreateBranch(Body, frozen=True):
    """POST /projects/{project_id}/branches."""

    endpoints: list[EndpointOfBranch] = []
    branch: NewBranch = NewBranch()
    annotation_value: Annotations | UnsetType = UNSET


class BranchPatch(Body, frozen=True):
    """What can be changed about a branch."""

    name: BranchName | UnsetType = UNSET
    protected: bool | UnsetType = UNSET
    expires_at: str | UnsetType | None = UNSET


class UpdateBranch(Body, frozen=True):
    """PATCH /projects/{project_id}/branches/{branch_id}."""

    branch: BranchPatch


class NewRole(Body, frozen=True):
    """What can be said about a new role."""

    name: str
    no_login: bool | UnsetType = UNSET


class CreateRole(Body, frozen=True):
    """POST /projects/{project_id}/branches/{branch_id}/roles."""

    role: NewRole


class NewDatabase(Body, frozen=True):
    """What has to be said about a new database."""

    name: str
    owner_name: str


class CreateDatabase(Body, frozen=True):
    """POST /projects/{project_id}/branches/{branch_id}/databases."""

    database: NewDatabase


class DatabasePatch(Body, frozen=True):
    """What can be changed about a database."""

    name: str | UnsetType = UNSET
    owner_name: str | UnsetType = UNSET


class UpdateDatabase(Body, frozen=True):
    """PATCH /projects/{project_id}/branches/{branch_id}/databases/{database_name}."""

    database: DatabasePatch


class RestoreBranch(Body, frozen=True):
    """POST /projects/{project_id}/branches/{branch_id}/restore."""

    source_branch_id: ResourceId
    source_lsn: str | UnsetType = UNSET
    source_timestamp: str | UnsetType = UNSET
    preserve_under_name: FreeBranchName = ""


class FinalizeRestore(Body, frozen=True):
    """POST /projects/{project_id}/branches/{branch_id}/finalize_restore."""

    name: FreeBranchName = ""


class RestoreSnapshot(Body, frozen=True):
    """POST /projects/{project_id}/snapshots/{snapshot_id}/restore."""

    name: FreeBranchName = ""
    target_branch_id: str = ""
    finalize_restore: bool = False


class BackupScheduleItem(Body, frozen=True):
    """When snapshots are taken. Neon: hourly and yearly are declared, but refused."""

    frequency: Literal["daily", "weekly", "monthly"]
    hour: Annotated[int, Meta(ge=0, le=23)] | UnsetType = UNSET
    day: Annotated[int, Meta(ge=1, le=31)] | UnsetType = UNSET
    month: Annotated[int, Meta(ge=1, le=12)] | UnsetType = UNSET
    retention_seconds: Annotated[int, Meta(ge=3600, le=2**31)] | UnsetType = UNSET


class SetBackupSchedule(Body, frozen=True):
    """PUT /projects/{project_id}/branches/{branch_id}/backup_schedule."""

    schedule: list[BackupScheduleItem]


class SnapshotPatch(Body, frozen=True):
    """What can be changed about a snapshot."""

    name: str | UnsetType = UNSET


class UpdateSnapshot(Body, frozen=True):
    """PATCH /projects/{project_id}/snapshots/{snapshot_id}."""

    snapshot: SnapshotPatch


class EndpointPatch(ComputeBody, frozen=True):
    """What can be changed about a compute."""

    branch_id: ResourceId | UnsetType = UNSET
    provisioner: str | UnsetType = UNSET
    settings: EndpointSettings | UnsetType = UNSET
    pooler_enabled: bool | UnsetType = UNSET
    pooler_mode: Literal["transaction"] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    passwordless_access: bool | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET


class UpdateEndpoint(Body, frozen=True):
    """PATCH /projects/{project_id}/endpoints/{endpoint_id}."""

    endpoint: EndpointPatch


class NewEndpoint(EndpointPatch, frozen=True, kw_only=True):
    """What can be said about a new compute."""

    branch_id: ResourceId
    type: EndpointType
    region_id: str | UnsetType = UNSET


class CreateEndpoint(Body, frozen=True):
    """POST /projects/{project_id}/endpoints."""

    endpoint: NewEndpoint
