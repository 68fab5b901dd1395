"""The table itself, in the order in which plans and the reference show it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from reconciler.model.fields import ranking
from reconciler.model.fields.field import Effect, Field, Form, Member, Patch, Unit

if TYPE_CHECKING:
    from reconciler.model.values import Json


def _at_creation(path: str, form: Form, creation: tuple[str, ...], description: str) -> Field:
    return Field(
        path=path,
        form=form,
        description=description,
        source="ProjectCreateRequest",
        concern="project",
        creation=creation,
        patch=Patch.NEVER,
    )


def _quota(name: str, form: Form, effect_of_less: Effect, description: str) -> Field:
    return Field(
        path=f"quota.{name}",
        form=form,
        description=description,
        source="ProjectQuota",
        concern="quota",
        creation=("settings", "quota", name),
        patch=Patch.UNKNOWN,
        ranking=ranking.LIMIT,
        effect_of_less=effect_of_less,
        starts_operations=False,
    )


def _compute(
    name: str, form: Form, place: str, description: str, ranked: ranking.Ranking, effect: Effect, source: str
) -> Field:
    return Field(
        path=f"compute.{name}",
        form=form,
        description=description,
        source=source,
        concern="compute",
        creation=("default_endpoint_settings", place),
        compute=(place,),
        patch=Patch.UNKNOWN,
        ranking=ranked,
        effect=effect,
        starts_operations=False,
    )


def _setting(
    name: str,
    form: Form,
    description: str,
    ranked: ranking.Ranking,
    effect: Effect,
    *,
    source: str = "ProjectSettingsData",
    absent: Json = None,
    one_way: bool = False,
    members: tuple[Member, ...] = (),
) -> Field:
    return Field(
        path=f"settings.{name}",
        form=form,
        description=description,
        source=source,
        concern="settings",
        creation=("settings", name),
        patch=Patch.REPLACES if members else Patch.MERGES,
        ranking=ranked,
        effect=effect,
        absent=False if form is Form.SWITCH else absent,
        one_way=one_way,
        members=members,
    )


FIELDS: Final[tuple[Field, ...]] = (
    Field(
        path="name",
        form=Form.TEXT,
        description="The project's name, made from naming.project, or the naming of its tier.",
        source="ProjectUpdateRequest",
        concern="project",
        creation=("name",),
        starts_operations=False,
    ),
    _at_creation("region", Form.TEXT, ("region_id",), "The region of a new project."),
    _at_creation("pg_version", Form.NUMBER, ("pg_version",), "The major Postgres version of a new project."),
    _at_creation("branch", Form.TEXT, ("branch", "name"), "The name of a new project's default branch."),
    _at_creation("database", Form.TEXT, ("branch", "database_name"), "The first database of a new project."),
    _at_creation("role", Form.TEXT, ("branch", "role_name"), "The owner of the first database."),
    _quota(
        "active_time_seconds",
        Form.TIME_QUOTA,
        Effect.SUSPENDS,
        "Wall-clock time during which computes may be active: a duration, or unlimited.",
    ),
    _quota(
        "compute_time_seconds",
        Form.TIME_QUOTA,
        Effect.SUSPENDS,
        "CPU time of all computes: a duration, or unlimited.",
    ),
    _quota("written_data_bytes", Form.SIZE_QUOTA, Effect.SUSPENDS, "Data written: a size, or unlimited."),
    _quota("data_transfer_bytes", Form.SIZE_QUOTA, Effect.SUSPENDS, "Data transferred out: a size, or unlimited."),
    _quota(
        "logical_size_bytes", Form.SIZE_QUOTA, Effect.STOPS_WRITES, "Size of each branch: a size, or unlimited."
    ),
    _compute(
        "min_cu",
        Form.COMPUTE_UNITS,
        "autoscaling_limit_min_cu",
        "Smallest size in compute units; a multiple of 0.25.",
        ranking.SIZE,
        Effect.RESTARTS,
        "ComputeUnit; docs, manage/computes",
    ),
    _compute(
        "max_cu",
        Form.COMPUTE_UNITS,
        "autoscaling_limit_max_cu",
        "Largest size; at most 8 above the smallest, or equal to it.",
        ranking.SIZE,
        Effect.RESTARTS,
        "ComputeUnit; docs, manage/computes",
    ),
    _compute(
        "suspend_timeout_seconds",
        Form.SUSPEND_TIMEOUT,
        "suspend_timeout_seconds",
        "Idle time until it suspends: 5m, or never.",
        ranking.IDLE_TIME,
        Effect.NONE,
        "SuspendTimeoutSeconds",
    ),
    Field(
        path="compute.pg_settings",
        form=Form.PARAMETERS,
        description="Postgres parameters by name, as text; a parameter that is not named keeps its value.",
        source="PgSettingsData; neondatabase/neon issue 7628",
        concern="compute",
        creation=("default_endpoint_settings", "pg_settings"),
        compute=("settings", "pg_settings"),
        patch=Patch.UNKNOWN,
        ranking=ranking.PARAMETERS,
        effect=Effect.RESTARTS,
        starts_operations=False,
    ),
    Field(
        path="restore_window_seconds",
        form=Form.DURATION,
        description="How far back a project can be restored.",
        source="ProjectUpdateRequest, history_retention_seconds",
        concern="restore_window",
        creation=("history_retention_seconds",),
        ranking=ranking.WINDOW,
        effect_of_less=Effect.LOSES_HISTORY,
    ),
    Field(
        path="protected",
        form=Form.SWITCH,
        description="Whether Neon protects the default branch: it, its compute and its project cannot be deleted.",
        source="BranchUpdateRequest; docs, guides/protected-branches",
        concern="protected",
        branch=("protected",),
        ranking=ranking.SWITCH,
        absent=False,
    ),
    _setting(
        "allowed_ips",
        Form.MEMBERS,
        "The addresses that may connect; an empty list lets everybody in.",
        ranking.ACCESS,
        Effect.DISCONNECTS,
        source="AllowedIps",
        absent={"ips": [], "protected_branches_only": False},
        members=(
            Member(
                key="ips",
                form=Form.ADDRESSES,
                description="Addresses, networks (10.0.0.0/8) and ranges (10.0.0.1-10.0.0.9).",
            ),
            Member(
                key="protected_branches_only",
                form=Form.SWITCH,
                description="Whether the list counts for protected branches only.",
            ),
        ),
    ),
    _setting(
        "audit_log_level",
        Form.AUDIT_LEVEL,
        "How much the audit log holds.",
        ranking.AUDIT,
        Effect.NONE,
        source="ProjectAuditLogLevel",
    ),
    _setting(
        "block_public_connections",
        Form.SWITCH,
        "Refuses connections from the public internet, whatever allowed_ips says.",
        ranking.BLOCK,
        Effect.DISCONNECTS,
    ),
    _setting(
        "block_vpc_connections",
        Form.SWITCH,
        "Refuses connections through VPC endpoints.",
        ranking.BLOCK,
        Effect.DISCONNECTS,
    ),
    _setting(
        "enable_logical_replication",
        Form.SWITCH,
        "Sets wal_level to logical on all computes, which restarts them. Neon cannot turn it off.",
        ranking.SWITCH,
        Effect.RESTARTS,
        one_way=True,
    ),
    _setting(
        "hipaa",
        Form.SWITCH,
        "HIPAA compliance of the project, which restarts its computes. Neon cannot turn it off.",
        ranking.SWITCH,
        Effect.RESTARTS,
        one_way=True,
    ),
    _setting(
        "maintenance_window",
        Form.MEMBERS,
        "When Neon may maintain the project's computes, in UTC.",
        ranking.NO_ORDER,
        Effect.NONE,
        source="MaintenanceWindow",
        members=(
            Member(key="weekdays", form=Form.WEEKDAYS, description="Days of the week.", required=True),
            Member(key="start_time", form=Form.TIME_OF_DAY, description="When it begins.", required=True),
            Member(key="end_time", form=Form.TIME_OF_DAY, description="When it ends.", required=True),
        ),
    ),
    _setting(
        "preload_libraries",
        Form.MEMBERS,
        "The shared libraries that computes load when they start.",
        ranking.LIBRARIES,
        Effect.RESTARTS,
        source="PreloadLibraries",
        absent={},
        members=(
            Member(key="enabled_libraries", form=Form.NAMES, description="Libraries by name."),
            Member(key="use_defaults", form=Form.SWITCH, description="Whether Neon's defaults are loaded."),
        ),
    ),
)


def _of_branch(
    name: str,
    form: Form,
    place: str,
    description: str,
    *,
    patch: Patch = Patch.MERGES,
    ranked: ranking.Ranking = ranking.NO_ORDER,
    effect_of_less: Effect = Effect.NONE,
    source: str = "BranchUpdateRequest",
) -> Field:
    return Field(
        path=f"dev_branches.{name}",
        form=form,
        description=description,
        source="BranchCreateRequest" if patch is Patch.NEVER else source,
        concern="dev_branches",
        branch=(place,),
        patch=patch,
        ranking=ranked,
        effect_of_less=effect_of_less,
        absent=False if form is Form.SWITCH else None,
    )


def _of_snapshot(name: str, form: Form, place: str, description: str) -> Field:
    return Field(
        path=f"snapshots.{name}",
        form=form,
        description=description,
        source="createSnapshot",
        concern="snapshots",
        snapshot=(place,),
        patch=Patch.NEVER,
        ranking=ranking.LIFETIME if name == "expires_at" else ranking.NO_ORDER,
        effect_of_less=Effect.ENDS if name == "expires_at" else Effect.NONE,
    )


ENTRY_FIELDS: Final[tuple[Field, ...]] = (
    _of_branch("name", Form.NAME, "name", "Unique in its list."),
    _of_branch(
        "parent",
        Form.NAME,
        "parent_id",
        "The branch that it starts from; used at creation only. By default the default branch.",
        patch=Patch.NEVER,
    ),
    _of_branch(
        "at",
        Form.MOMENT,
        "parent_timestamp",
        "The time whose data it contains; used at creation only. By default the time of creation.",
        patch=Patch.NEVER,
    ),
    _of_branch(
        "expires_at",
        Form.MOMENT,
        "expires_at",
        "From this time on, it is no longer declared.",
        ranked=ranking.LIFETIME,
        effect_of_less=Effect.ENDS,
        source="BranchUpdateRequest; docs, guides/branch-expiration",
    ),
    _of_branch(
        "schema_only",
        Form.SWITCH,
        "init_source",
        "Copies the parent's schema and no data.",
        patch=Patch.NEVER,
    ),
    _of_branch(
        "protected",
        Form.SWITCH,
        "protected",
        "Whether Neon protects it: it and its compute cannot be deleted, and it cannot expire.",
        ranked=ranking.SWITCH,
        source="BranchUpdateRequest; docs, guides/protected-branches",
    ),
    _of_snapshot("name", Form.NAME, "name", "Unique in its list."),
    _of_snapshot(
        "at",
        Form.MOMENT,
        "timestamp",
        "The time whose data it contains; used at creation only. By default the time of creation.",
    ),
    _of_snapshot("expires_at", Form.MOMENT, "expires_at", "From this time on, it is no longer declared."),
)
"""The fields of one development branch or snapshot. In a plan, its name stands behind the group. The compute of a
branch has the fields of ``compute``."""

BY_PATH: Final = {field.path: field for field in FIELDS}
ENTRY_BY_PATH: Final = {field.path: field for field in ENTRY_FIELDS}


@cache
def of(group: str) -> tuple[Field, ...]:
    """The fields of a group: ``quota``, ``compute``, ``settings``, ``dev_branches``, ``snapshots``."""
    return tuple(field for field in (*FIELDS, *ENTRY_FIELDS) if field.group == group)


def made_as(group: str) -> tuple[str, ...]:
    """The keys of a branch or snapshot, beside its name, that no call changes once it exists."""
    return tuple(field.key for field in of(group) if field.patch is Patch.NEVER and field.key not in _JUDGED)


_JUDGED: Final = ("name", "expires_at")
"""Another name is another branch or snapshot. An expiry has a judgement of its own: Neon may have reached it."""


def field_of(path: str) -> Field | None:
    """The field that a path ends in: ``dev_branches.dev.compute.max_cu`` is the ``compute.max_cu`` of a branch's
    compute. None if it is none; the longest end counts."""
    found = BY_PATH.get(path)
    while found is None and path:
        path = path.partition(".")[2]
        found = BY_PATH.get(path)
    return found


def unit_of(path: str) -> Unit:
    """What the number of a path counts: by the table, else by the end of its name (``min_age_seconds``)."""
    field = field_of(path)
    if field is not None:
        return field.unit
    return next((unit for unit in (Unit.BYTES, Unit.SECONDS, Unit.CU) if path.endswith(unit.value)), Unit.NONE)
