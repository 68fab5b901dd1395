"""/projects: list, create, read, change, delete and recover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from reconciler.simulator import (
    branches,
    endpoints,
    listing,
    operations,
    projects,
    restore_points,
    roles_and_databases,
    schedules,
    shapes,
)
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import CreateProject, NewProject, ProjectPatch, ResourceId, UpdateProject
from reconciler.simulator.call import Call
from reconciler.simulator.limits import (
    check_allowed_ips,
    check_compute,
    check_restore_window,
    check_room_for_project,
)
from reconciler.simulator.metering import meters
from reconciler.simulator.operations import Work
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.store import body_of

if TYPE_CHECKING:
    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.call import Call
    from reconciler.simulator.data import Data
    from reconciler.simulator.organization import StoredOrganization
    from reconciler.simulator.projects import CreatedProject, ProjectRequest
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction
    from reconciler.simulator.types import Limits

CONFIGURED_ON_COMPUTES: Final = frozenset(
    {
        "allowed_ips",
        "enable_logical_replication",
        "block_public_connections",
        "block_vpc_connections",
        "preload_libraries",
    }
)
"""Settings that running computes have to be told of (Neon: manage/operations, apply_config)."""


IMPLICIT_TIMEOUT_MS: Final = 10_000
"""What Neon applies where a request names none; how long that is, is not documented."""


class ListProjects(Struct, forbid_unknown_fields=True):
    """The query of a list."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=400)] = 10
    search: str = ""
    org_id: ResourceId | None = None
    timeout: Annotated[int, Meta(ge=100, le=30_000)] = IMPLICIT_TIMEOUT_MS
    recoverable: bool = False


def list_projects(call: Call) -> Answer:
    """GET /projects."""
    query = call.parameters(ListProjects)
    world = call.world
    request = listing.ListRequest(
        organization=call.organization_of_key(query.org_id),
        cursor=query.cursor,
        limit=query.limit,
        search=query.search,
        recoverable=query.recoverable,
        project_id=call.key.project_id,
        timeout_seconds=query.timeout / 1000,
    )
    page = listing.page(world.store, request, world.behaviour, world.clock.now(), call.script.unavailable)
    return Answer(encoded=page, fault="list_zero_compute" if world.behaviour.list_zero_compute else None)


def list_shared_projects(call: Call) -> Answer:
    """GET /projects/shared: nobody shares anything here."""
    call.parameters(ListProjects)
    return Answer({"projects": []})


def create_project(call: Call) -> Answer:
    """POST /projects."""
    body = call.body(CreateProject).project
    call.require_no_project_key()
    organization = call.organization_of_key(None if body.org_id is UNSET else body.org_id)
    request = _project_request(body, organization, call.world.behaviour)
    with call.writing() as transaction:
        _check_room_in_organization(call, organization, transaction.now)
        created = projects.store_project(transaction, request)
        branch_id, endpoint_id = created.branch["id"], created.endpoint["id"]
        works = (Work("create_timeline", branch_id), Work("start_compute", branch_id, endpoint_id))
        started = operations.start(transaction, created.project["id"], works, call.script.fate)
    answer = _creation_answer(call.world.data, created, organization, started)
    if not call.world.behaviour.create_shows_settings:
        hidden = ("org_id", "settings", "default_endpoint_settings")
        answer["project"] = {name: value for name, value in answer["project"].items() if name not in hidden}
    return Answer(answer, status=201)


def _check_room_in_organization(
    call: Call, organization: StoredOrganization, now: float, *, still_counted: int | None = None
) -> None:
    """Refuse one project more than the organization holds; whether deleted ones count is a switch."""
    if still_counted is None and call.world.behaviour.deleted_projects_count:
        still_counted = projects.count_deleted_projects(call.world.store, organization.id, now)
    check_room_for_project(call.world.store, organization.id, organization.limits, still_counted or 0)


def _project_request(body: NewProject, organization: StoredOrganization, behaviour: Behaviour) -> ProjectRequest:
    stated: Document = to_builtins(body)
    limits = organization.limits
    wanted = endpoints.settable(_stated_compute(stated), limits, behaviour)
    compute = projects.merged_compute(shapes.DEFAULT_COMPUTE, wanted, behaviour)
    check_compute(compute, limits)
    first_compute = None if behaviour.first_compute_takes_defaults else shapes.DEFAULT_COMPUTE
    window = _restore_window(stated, limits)
    check_allowed_ips(stated.get("settings", {}))
    _check_region(stated.get("region_id", shapes.DEFAULT_REGION))
    first = stated.get("branch", {})
    database = first.get("database_name", "neondb")
    role = first.get("role_name", f"{database}_owner")
    roles_and_databases.check_database_name(database)
    roles_and_databases.check_role_name(role)
    return projects.ProjectRequest(
        org_id=organization.id,
        name=stated.get("name"),
        region_id=stated.get("region_id", shapes.DEFAULT_REGION),
        pg_version=stated.get("pg_version", shapes.DEFAULT_PG_VERSION),
        compute=compute,
        first_compute=first_compute,
        endpoint_pg_settings=endpoints.pg_settings_of(first_compute or compute, behaviour),
        settings=stated.get("settings", {}),
        restore_window_seconds=window,
        store_passwords=stated.get("store_passwords", True),
        branch=first.get("name", "main"),
        database=database,
        role=role,
        annotations=first.get("annotations", {}) if behaviour.creation_keeps_annotations else {},
    )


def _stated_compute(stated: Document) -> Document:
    """Neon still takes the sizes at the top level, where they were before default_endpoint_settings."""
    old = {member: stated[member] for member in shapes.DEFAULT_COMPUTE if member in stated}
    return {**old, **stated.get("default_endpoint_settings", {})}


def _restore_window(stated: Document, limits: Limits) -> int:
    usual = shapes.DEFAULT_RESTORE_WINDOW_SECONDS
    if limits.restore_window_seconds is not None:
        usual = min(usual, limits.restore_window_seconds)
    window: int = stated.get("history_retention_seconds", usual)
    check_restore_window(window, limits)
    return window


def _check_region(region_id: str) -> None:
    if region_id not in shapes.REGIONS:
        raise Refusal(400, f"region {region_id!r} is not supported")


def _creation_answer(
    data: Data[Transaction], created: CreatedProject, organization: StoredOrganization, started: list[Document]
) -> Document:
    host, password, role = created.endpoint["host"], created.role["password"], created.role["name"]
    database = created.database["name"]
    uri = shapes.connection_uri(
        data, role_name=role, password=password, host=host, database_name=database, pooled=False
    )
    parameters = {"database": database, "password": password, "role": role, "host": host}
    parameters["pooler_host"] = shapes.pooler_host(host)
    return {
        "project": projects.describe_new_project(created.project, organization),
        "connection_uris": [{"connection_uri": uri, "connection_parameters": parameters}],
        "roles": [created.role],
        "databases": [created.database],
        "operations": started,
        "branch": created.branch,
        "endpoints": [created.endpoint],
    }


def get_project(call: Call) -> Answer:
    """GET /projects/{project_id}."""
    row, world = call.project(), call.world
    organization, now = call.organization(row["org_id"]), world.clock.now()
    lag = world.behaviour.counters_lag_seconds
    project = projects.describe_project(world.store, row, organization, now)
    late = meters.late(world.store, row, now, lag) if lag else {}
    left_out = _left_out(world.behaviour)
    shown = {name: value for name, value in {**project, **late}.items() if value is not None}
    return Answer({"project": {name: value for name, value in shown.items() if name not in left_out}})


def _left_out(behaviour: Behaviour) -> frozenset[str]:
    """The members that GET does not show: the description has them as optional."""
    shows = {
        "settings": behaviour.get_shows_settings,
        "default_endpoint_settings": behaviour.get_shows_compute,
    }
    return frozenset(name for name, shown in shows.items() if not shown)


def list_preload_libraries(call: Call) -> Answer:
    """GET /projects/{project_id}/available_preload_libraries: the same for every version of Postgres here."""
    call.project()
    return Answer({"libraries": shapes.preload_libraries()})


def update_project(call: Call) -> Answer:
    """PATCH /projects/{project_id}."""
    patch = call.body(UpdateProject).project
    world = call.world
    with call.change() as change:
        row = change.project
        organization = call.organization(row["org_id"])
        stored = body_of(row)
        changes = _changes(patch, stored, organization, world.behaviour)
        _keep_history(call, change.transaction, stored, changes)
        projects.change_project(change.transaction, row, changes)
        works = _works_of_patch(call, patch, row["id"])
        started = change.start(works)
        answer = projects.describe_project(world.store, call.project(), organization, change.now)
    return Answer({"project": answer, "operations": started})


def _changes(
    patch: ProjectPatch, stored: Document, organization: StoredOrganization, behaviour: Behaviour
) -> Document:
    changes: dict[str, Any] = to_builtins(patch)
    if "history_retention_seconds" in changes:
        check_restore_window(changes["history_retention_seconds"], organization.limits)
    if "settings" in changes:
        check_allowed_ips(changes["settings"])
        stated = projects.kept_on(stored["settings"], changes["settings"], behaviour)
        changes["settings"] = projects.merged_settings(stored["settings"], stated, behaviour)
    if "default_endpoint_settings" in changes:
        stated = endpoints.settable(changes["default_endpoint_settings"], organization.limits, behaviour)
        compute = projects.merged_compute(stored["default_endpoint_settings"], stated, behaviour)
        check_compute(compute, organization.limits)
        changes["default_endpoint_settings"] = compute
    return changes


def _keep_history(call: Call, transaction: Transaction, stored: Document, changes: Document) -> None:
    before = stored["history_retention_seconds"]
    raised = changes.get("history_retention_seconds", before) > before
    if raised and not call.world.behaviour.raised_window_reaches_back:
        restore_points.raise_window(transaction, stored["id"], before_seconds=before)


def _works_of_patch(call: Call, patch: ProjectPatch, project_id: str) -> list[Work]:
    """What a change sets going: a name, a quota or compute defaults need no work (Neon: manage/operations)."""
    works = []
    store = call.world.store
    if not isinstance(patch.history_retention_seconds, UnsetType):
        works.append(Work("apply_storage_config", branches.default_branch(store, project_id)["id"]))
    if not isinstance(patch.settings, UnsetType) and CONFIGURED_ON_COMPUTES & to_builtins(patch.settings).keys():
        rows = endpoints.endpoints_of_project(store, project_id)
        works.extend(Work("apply_config", row["branch_id"], row["id"]) for row in rows)
    return works


def delete_project(call: Call) -> Answer:
    """DELETE /projects/{project_id}: recoverable for seven days, and no operations."""
    call.require_no_project_key()
    world = call.world
    with call.writing() as transaction:
        row = call.project()
        if world.behaviour.delete_waits_for_operations:
            operations.check_unlocked(transaction, row, transaction.now, world.behaviour)
        if any(branch["protected"] for branch in branches.branches(world.store, row["id"], transaction.now)):
            raise Refusal(422, "project has protected branches and cannot be deleted")
        schedules.catch_up(transaction, row["id"])
        endpoints.suspend_all(transaction, row["id"], transaction.now)
        transaction.update("projects", row["id"], deleted_at=transaction.now)
        answer = projects.describe_project(
            call.world.store, row, call.organization(row["org_id"]), transaction.now
        )
    return Answer({"project": answer})


def recover_project(call: Call) -> Answer:
    """POST /projects/{project_id}/recover."""
    call.require_no_project_key()
    world = call.world
    with call.writing() as transaction:
        row = world.store.row(
            "SELECT * FROM projects WHERE id = ? AND deleted_at > ?",
            *(call.path["project_id"], transaction.now - projects.RECOVERY_SECONDS),
        )
        if row is None or not call.key.opens(row["org_id"], row["id"]):
            raise not_found("project")
        organization = call.organization(row["org_id"])
        _check_room_in_organization(call, organization, transaction.now, still_counted=0)
        transaction.update("projects", row["id"], deleted_at=None, metered_at=transaction.now)
        schedules.resume(transaction, row["id"])
        now = transaction.now
        rows = branches.branches(world.store, row["id"], now)
    described = [branches.describe_branch(branch, now) for branch in rows]
    return Answer(
        {"project": projects.describe_project(call.world.store, row, organization, now), "branches": described}
    )
