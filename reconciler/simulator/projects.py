"""Projects: made, changed, listed, moved, deleted and recovered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator import branches, endpoints, ids, roles_and_databases, shapes, user
from reconciler.simulator.behaviour import Behaviour, Patch
from reconciler.simulator.clock import timestamp
from reconciler.simulator.metering import meters
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.shapes import DEFAULT_COMPUTE
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from reconciler.simulator.organization import StoredOrganization
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

RECOVERY_SECONDS: Final = 7 * 86_400
BRANCHES_WITHOUT_LIMIT: Final = 5000
ONE_WAY: Final = ("enable_logical_replication", "hipaa")
"""Neon: "once enabled, logical replication cannot be disabled"; of HIPAA nothing is documented."""
MERGING: Final = Behaviour(settings_patch=Patch.MERGE, quota_patch=Patch.MERGE)
"""For a creation, which has nothing to replace."""


@dataclass(frozen=True, slots=True)
class ProjectLife:
    """What no request can ask for, because it comes from use; nothing for a new project."""

    protected: bool = False
    storage_bytes: int = 0
    last_active_at: float | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    integrations: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ProjectRequest:
    """A project to be made: everything decided, in the API's words."""

    org_id: str
    name: str | None = None
    region_id: str = shapes.DEFAULT_REGION
    pg_version: int = shapes.DEFAULT_PG_VERSION
    compute: Mapping[str, Any] = field(default_factory=lambda: DEFAULT_COMPUTE)
    first_compute: Mapping[str, Any] | None = None
    """The compute of the default branch; None is as ``compute``."""
    endpoint_pg_settings: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    restore_window_seconds: int = shapes.DEFAULT_RESTORE_WINDOW_SECONDS
    store_passwords: bool = True
    branch: str = "main"
    database: str = "neondb"
    role: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    life: ProjectLife = field(default_factory=ProjectLife)


@dataclass(frozen=True, slots=True)
class CreatedProject:
    """A project with all that comes with it."""

    project: Document
    branch: Document
    endpoint: Document
    role: Document
    database: Document


def store_project(transaction: Transaction, request: ProjectRequest) -> CreatedProject:
    """Store a project with a default branch, a compute, a role and a database."""
    project = _create_row(transaction, request)
    branch = branches.store_branch(
        transaction,
        project_id=project["id"],
        name=request.branch,
        default=True,
        protected=request.life.protected,
        storage_bytes=request.life.storage_bytes,
        annotations=request.annotations,
    )
    first = request.first_compute or request.compute
    endpoint = endpoints.store_endpoint(
        transaction,
        project=project,
        branch_id=branch["id"],
        kind="read_write",
        compute={member: first[member] for member in DEFAULT_COMPUTE},
        pg_settings=request.endpoint_pg_settings,
    )
    owner = request.role or f"{request.database}_owner"
    role = roles_and_databases.store_role(transaction, branch["id"], owner)
    database = roles_and_databases.store_database(transaction, branch["id"], request.database, owner)
    return CreatedProject(project, branch, endpoint, role, database)


def _create_row(transaction: Transaction, request: ProjectRequest) -> Document:
    project_id, life = ids.project_id(transaction.number()), request.life
    body = shapes.project(
        project_id=project_id,
        org_id=request.org_id,
        name=request.name or project_id,
        region_id=request.region_id,
        pg_version=request.pg_version,
        compute=request.compute,
        settings=merged_settings(shapes.project_settings(), request.settings, MERGING),
        restore_window_seconds=request.restore_window_seconds,
        store_passwords=request.store_passwords,
        now=transaction.now,
    )
    body["synthetic_storage_size"] = life.storage_bytes
    if life.last_active_at is not None:
        body["compute_last_active_at"] = timestamp(life.last_active_at)
    transaction.insert(
        "projects",
        id=project_id,
        org_id=request.org_id,
        created_at=transaction.now,
        changed_at=transaction.now,
        usage={**shapes.usage(), **life.usage},
        metered_at=transaction.present,
        integrations=list(life.integrations) if life.integrations else None,
        **project_columns(body),
    )
    return body


def project_columns(body: Document) -> Document:
    """The columns that follow from what a project's document says."""
    searched = f"{body['name']}\n{body['id']}".lower()
    return {"name": body["name"], "searched": searched, "body": body}


def change_project(transaction: Transaction, row: sqlite3.Row, changes: Mapping[str, Any]) -> Document:
    """Store other members of a project."""
    body = {**body_of(row), **changes, "updated_at": timestamp(transaction.now)}
    transaction.update("projects", row["id"], changed_at=transaction.now, **project_columns(body))
    return body


def move(transaction: Transaction, row: sqlite3.Row, org_id: str, behaviour: Behaviour) -> None:
    """Hand a project over to another organization."""
    changes: Document = {"org_id": org_id, "owner_id": org_id}
    if not behaviour.transfer_keeps_annotations:
        transaction.execute("UPDATE branches SET annotations = NULL WHERE project_id = ?", row["id"])
    if not behaviour.transfer_keeps_quota:
        settings = body_of(row)["settings"]
        changes["settings"] = {name: value for name, value in settings.items() if name != "quota"}
    change_project(transaction, row, changes)
    lag = behaviour.transfer_lag_seconds
    seen_from = transaction.now + lag if lag else None
    transaction.update("projects", row["id"], org_id=org_id, seen_from=seen_from)


def count_deleted_projects(store: Reading, org_id: str, now: float) -> int:
    """Projects of an organization that are deleted and can still be recovered."""
    count: int = store.value(
        "SELECT count(*) FROM projects WHERE org_id = ? AND deleted_at IS NOT NULL AND deleted_at > ?",
        *(org_id, now - RECOVERY_SECONDS),
    )
    return count


def merged_settings(stored: Mapping[str, Any], stated: Mapping[str, Any], behaviour: Behaviour) -> Document:
    """Settings after a change. Of each level apart, it is not documented whether its members merge."""
    before = stored if behaviour.settings_patch is Patch.MERGE else _replaced(stored)
    settings = {**before, **stated}
    if "quota" in stated:
        quota = stored.get("quota", {}) if behaviour.quota_patch is Patch.MERGE else {}
        settings["quota"] = _limited({**quota, **stated["quota"]})
    return settings


def _replaced(stored: Mapping[str, Any]) -> Document:
    """What is left of settings that a request replaces: Neon's defaults, and what cannot be turned off."""
    return {**shapes.project_settings(), **{name: True for name in ONE_WAY if stored.get(name)}}


def _limited(quota: Mapping[str, int]) -> dict[str, int]:
    """A quota as the API reports it: 0 is unlimited, and left out."""
    return {member: amount for member, amount in quota.items() if amount}


def kept_on(stored: Mapping[str, Any], stated: Mapping[str, Any], behaviour: Behaviour) -> Document:
    """The stated settings less what cannot be: once on, some stay on (Neon: ProjectSettingsData)."""
    ended = [name for name in ONE_WAY if stored.get(name) and stated.get(name) is False]
    if ended and behaviour.one_way_settings_refused:
        raise Refusal(400, f"{ended[0]} cannot be disabled once it is enabled")
    return {name: value for name, value in stated.items() if name not in ended}


def merged_compute(stored: Mapping[str, Any], stated: Mapping[str, Any], behaviour: Behaviour) -> Document:
    """Compute defaults after a change."""
    before = stored if behaviour.compute_patch is Patch.MERGE else DEFAULT_COMPUTE
    rest = {member: value for member, value in stated.items() if member not in DEFAULT_COMPUTE}
    rest = endpoints.merged_pg_settings(stored, rest, behaviour)
    return {**before, **rest, **endpoints.compute_of(stated, before, behaviour)}


def describe_project(store: Reading, row: sqlite3.Row, organization: StoredOrganization, now: float) -> Document:
    """A project as GET answers it."""
    body = body_of(row)
    return {**body, **meters.shown(store, row, now), "owner": owner(organization)}


def describe_new_project(body: Document, organization: StoredOrganization) -> Document:
    """A project as its creation answers it: before its first period (year 1 in recorded traffic)."""
    period = dict.fromkeys(("consumption_period_start", "consumption_period_end"), "0001-01-01T00:00:00Z")
    return {**body, **shapes.usage(), **period, "owner": owner(organization)}


def owner(organization: StoredOrganization) -> Document:
    """Who pays, and for how many branches of a project."""
    return {
        "email": f"{organization.id}@neon.test",
        "name": organization.name,
        "branches_limit": organization.limits.branches or BRANCHES_WITHOUT_LIMIT,
        "subscription_type": user.SUBSCRIPTION,
    }
