"""/projects/{project_id}/branches: list, count, create, read, change, delete, make default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, to_builtins

from reconciler.simulator import (
    branches,
    endpoints,
    restore_points,
    roles_and_databases,
    schedules,
    shapes,
    snapshots,
)
from reconciler.simulator.answer import Answer
from reconciler.simulator.behaviour import DeletableRoots, Per
from reconciler.simulator.bodies import CreateBranch, NewBranch, UpdateBranch
from reconciler.simulator.clock import timestamp
from reconciler.simulator.limits import (
    MAX_BRANCH_TTL_SECONDS,
    check_compute,
    check_room_for_branch,
    check_room_for_protected_branch,
    check_room_for_root_branch,
)
from reconciler.simulator.metering import meters
from reconciler.simulator.operations import Work
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.store import body_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.call import Call, Change
    from reconciler.simulator.data import Data
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

DEFAULT_LIMIT: Final = 100


class ListBranches(Struct, forbid_unknown_fields=True):
    """The query of a list."""

    search: str = ""
    sort_by: Literal["name", "created_at", "updated_at"] = "updated_at"
    cursor: str = "0"
    sort_order: Literal["asc", "desc"] = "desc"
    limit: Annotated[int, Meta(ge=1, le=10_000)] = DEFAULT_LIMIT
    include_deleted: bool = False


class CountBranches(Struct, forbid_unknown_fields=True):
    """The query of a count."""

    search: str = ""


class DeleteBranch(Struct, forbid_unknown_fields=True):
    """The query of a deletion."""

    hard_delete: bool = False


def list_branches(call: Call) -> Answer:
    """GET /projects/{project_id}/branches."""
    query = call.parameters(ListBranches)
    now = call.world.clock.now()
    rows = _branches_found(call, query.search, now)
    if query.include_deleted:
        rows += _matching(soft_deleted(call, call.project()["id"], now), query.search)
    rows.sort(key=lambda row: (row[query.sort_by], row["id"]), reverse=query.sort_order == "desc")
    start = _offset(query.cursor)
    following_page = len(rows) > start + query.limit
    rows = rows[start : start + query.limit]
    answer: dict[str, Any] = {
        "branches": [_shown_branch(call, row, now) for row in rows],
        "annotations": {row["id"]: branches.annotation_of(row) for row in rows if row["annotations"]},
    }
    if following_page or (rows and call.world.behaviour.branch_list_always_has_cursor):
        # Neon: recorded with the last page, too, and even with a list of one.
        following = {"next": str(start + len(rows)), "sort_by": query.sort_by, "sort_order": query.sort_order}
        answer["pagination"] = following
    return Answer(answer)


def _shown_branch(call: Call, row: sqlite3.Row, now: float) -> Document:
    if not branches.live(row, now):
        return branches.describe_deleted(row, now)
    grown = meters.logical_size(call.world.store, call.project(), now) if row["is_default"] else None
    described = branches.describe_branch(row, now)
    return described if grown is None else {**described, "logical_size": grown}


def _offset(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit()):
        raise Refusal(400, "invalid request: unknown cursor")
    return int(cursor[:18])


def _branches_found(call: Call, search: str, now: float) -> list[sqlite3.Row]:
    return _matching(branches.branches(call.world.store, call.project()["id"], now), search)


def _matching(rows: list[sqlite3.Row], search: str) -> list[sqlite3.Row]:
    wanted = search.lower()
    return [row for row in rows if wanted in row["name"].lower() or wanted in row["id"]]


def count_branches(call: Call) -> Answer:
    """GET /projects/{project_id}/branches/count."""
    query = call.parameters(CountBranches)
    return Answer({"count": len(_branches_found(call, query.search, call.world.clock.now()))})


def get_branch(call: Call) -> Answer:
    """GET /projects/{project_id}/branches/{branch_id}."""
    now = call.world.clock.now()
    row = branch_of(call, now)
    return Answer({"branch": _shown_branch(call, row, now), "annotation": branches.annotation_of(row)})


def branch_of(call: Call, now: float) -> sqlite3.Row:
    """The row of the branch in the path."""
    row = branches.find_branch(call.world.store, call.project()["id"], call.path["branch_id"], now)
    if row is None:
        raise not_found("branch")
    return row


def create_branch(call: Call) -> Answer:
    """POST /projects/{project_id}/branches."""
    body = call.body(CreateBranch) if call.content else CreateBranch()
    world = call.world
    with call.change() as change:
        project = change.project
        organization = call.organization(project["org_id"])
        rows = branches.branches(world.store, project["id"], change.now)
        counted = [*rows, *soft_deleted(call, project["id"], change.now)]
        count = len(counted) + _counted_late(call, project["id"]) + snapshots_as_branches(call, change.now)
        check_room_for_branch(count, organization.limits)
        branches.check_name_free(counted, None if body.branch.name is UNSET else body.branch.name)
        if body.branch.protected is True:
            _check_room_for_protected(call, project, change.now)
        branch = _store_new_branch(call, change.transaction, body, _source(rows, body.branch))
        made = [_create_endpoint(call, change, branch["id"], stated) for stated in _computes(body)]
        started = change.start(_works_of_creation(branch["id"], made))
    return Answer(_new_branch_answer(call, branch, made, started), status=201)


def soft_deleted(call: Call, project_id: str, now: float) -> list[sqlite3.Row]:
    """Deleted branches that Neon still keeps."""
    if not call.world.behaviour.soft_deletion:
        return []
    return branches.deleted_branches(call.world.store, project_id, now)


def _counted_late(call: Call, project_id: str) -> int:
    """Deleted branches that the counter has not caught up with."""
    behaviour = call.world.behaviour
    if behaviour.soft_deletion:
        return 0  # it counts them anyhow
    since = call.world.clock.now() - behaviour.deletion_count_lag_seconds
    return branches.count_deleted_branches(call.world.store, project_id, since)


def snapshots_as_branches(call: Call, now: float) -> int:
    """The snapshots of a project that take a place in the limit of branches."""
    if not call.world.behaviour.snapshots_count_as_branches:
        return 0
    return snapshots.count_manual(call.world.store, call.path["project_id"], now)


def _check_room_for_protected(call: Call, project: sqlite3.Row, now: float) -> None:
    store, behaviour = call.world.store, call.world.behaviour
    org_id = None if behaviour.protected_branches_per is Per.PROJECT else project["org_id"]
    count = branches.count_protected(store, project["id"], now, org_id=org_id)
    check_room_for_protected_branch(count, behaviour.protected_branches)


def _source(rows: list[sqlite3.Row], stated: NewBranch) -> sqlite3.Row:
    """The branch that a new one is made of: the default one unless another is named."""
    for row in rows:
        if row["is_default"] if stated.parent_id is UNSET else row["id"] == stated.parent_id:
            return row
    raise not_found("parent branch")


def _store_new_branch(call: Call, transaction: Transaction, body: CreateBranch, source: sqlite3.Row) -> Document:
    stated: Document = to_builtins(body.branch)
    now, schema_only = transaction.now, stated.get("init_source") == "schema-only"
    expires_at = _branch_expiry(stated.get("expires_at"), now)
    if expires_at is not None and stated.get("protected"):
        raise Refusal(422, "a protected branch cannot expire")
    branch = branches.store_branch(
        transaction,
        project_id=source["project_id"],
        name=stated.get("name"),
        default=False,
        protected=stated.get("protected", False),
        storage_bytes=0 if schema_only else branches.size_bytes(source),
        annotations=None if body.annotation_value is UNSET else body.annotation_value,
        origin=_origin_of_copy(call, stated, source, now),
        expires_at=expires_at,
    )
    # Neon: children of a protected branch get passwords of their own (manage/branches).
    renewed = bool(source["protected"])
    roles_and_databases.inherit(transaction, source["id"], branch["id"], new_passwords=renewed)
    point = (
        _point_of_copy(call, stated, source, now)
        if "parent_timestamp" in stated or "parent_lsn" in stated
        else None
    )
    transaction.data.copy(transaction, source["id"], branch["id"], point=point, schema_only=schema_only)
    return branch


def _origin_of_copy(call: Call, stated: Document, source: sqlite3.Row, now: float) -> Document:
    """What a branch says of the one it was made of; one with the schema alone is a root (Neon: Branch)."""
    store, project = call.world.store, call.project()
    point = _point_of_copy(call, stated, source, now)
    if stated.get("init_source") == "schema-only":
        check_room_for_root(call, branches.branches(store, project["id"], now))
        return {"init_source": "schema-only"}
    if source["expires_at"] is not None:
        raise Refusal(422, "cannot create a branch from a branch that expires")
    return {
        "parent_id": source["id"],
        "parent_lsn": restore_points.position(point),
        "parent_timestamp": timestamp(point),
        "init_source": "parent-data",
    }


def _point_of_copy(call: Call, stated: Document, source: sqlite3.Row, now: float) -> float:
    """The moment of its source that a branch is made of."""
    return restore_points.point(
        call.world.store,
        source,
        body_of(call.project())["history_retention_seconds"],
        now,
        stated_time=stated.get("parent_timestamp"),
        stated_position=stated.get("parent_lsn"),
    )


def check_room_for_root(call: Call, rows: list[sqlite3.Row]) -> None:
    """Refuse another root branch beside those of a project."""
    roots = sum(row["parent_id"] is None for row in rows)
    check_room_for_root_branch(roots, call.world.behaviour.root_branches)


def _branch_expiry(stated: str | None, now: float) -> float | None:
    """Neon: RFC 3339, in the future, at most 30 days ahead (guides/branch-expiration)."""
    if stated is None:
        return None
    seconds = restore_points.moment("expires_at", stated)
    if not now < seconds <= now + MAX_BRANCH_TTL_SECONDS:
        raise Refusal(400, "expires_at must be in the future and at most 30 days ahead")
    return seconds


def _computes(body: CreateBranch) -> list[Document]:
    if sum(endpoint.type == "read_write" for endpoint in body.endpoints) > 1:
        raise Refusal(400, "a branch has at most one read-write compute")
    return [to_builtins(endpoint) for endpoint in body.endpoints]


def _create_endpoint(call: Call, change: Change, branch_id: str, stated: Document) -> Document:
    document = body_of(change.project)
    defaults = document["default_endpoint_settings"]
    limits = call.organization(change.project["org_id"]).limits
    stated = endpoints.settable(stated, limits, call.world.behaviour)
    compute = endpoints.compute_of(stated, defaults, call.world.behaviour)
    check_compute(compute, limits)
    return endpoints.store_endpoint(
        change.transaction,
        project=document,
        branch_id=branch_id,
        kind=stated["type"],
        compute=compute,
        pg_settings=endpoints.pg_settings_of(defaults, call.world.behaviour),
        stated=stated,
    )


def _works_of_creation(branch_id: str, made: list[Document]) -> list[Work]:
    computes = [Work("start_compute", branch_id, endpoint["id"]) for endpoint in made]
    return [Work("create_branch", branch_id), *computes]


def _new_branch_answer(call: Call, branch: Document, made: list[Document], started: list[Document]) -> Document:
    store = call.world.store
    roles = roles_and_databases.roles(store, branch["id"])
    databases = [
        roles_and_databases.describe_role_or_database(row)
        for row in roles_and_databases.databases(store, branch["id"])
    ]
    answer = {
        "branch": branch,
        "endpoints": made,
        "operations": started,
        "roles": [roles_and_databases.describe_role_or_database(row) for row in roles],
        "databases": databases,
    }
    passwords = roles_and_databases.known_passwords(roles, call.project())
    if made and databases and databases[0]["owner_name"] in passwords:
        answer["connection_uris"] = [_connection(call.world.data, made[0]["host"], databases[0], passwords)]
    return answer


def _connection(data: Data[Transaction], host: str, database: Document, passwords: dict[str, str]) -> Document:
    role, name = database["owner_name"], database["name"]
    uri = shapes.connection_uri(
        data, role_name=role, password=passwords[role], host=host, database_name=name, pooled=False
    )
    parameters = {"database": name, "password": passwords[role], "role": role, "host": host}
    return {
        "connection_uri": uri,
        "connection_parameters": {**parameters, "pooler_host": shapes.pooler_host(host)},
    }


def update_branch(call: Call) -> Answer:
    """PATCH /projects/{project_id}/branches/{branch_id}."""
    changes: Document = to_builtins(call.body(UpdateBranch).branch)
    world = call.world
    with call.change() as change:
        row = branch_of(call, change.now)
        rows = branches.branches(world.store, row["project_id"], change.now)
        others = [other for other in rows if other["id"] != row["id"]]
        held = soft_deleted(call, row["project_id"], change.now)
        branches.check_name_free([*others, *held], changes.get("name"))
        _check_expiry(changes, row, rows, change.now)
        if changes.get("protected") and not row["protected"]:
            _check_room_for_protected(call, change.project, change.now)
        schedules.catch_up(change.transaction, row["project_id"])
        branch = branches.change_branch(change.transaction, row, changes)
        works = [Work("timeline_update_protected_config", row["id"])] if "protected" in changes else []
        started = change.start(works)
    return Answer({"branch": branch, "operations": started})


def _check_expiry(changes: Document, row: sqlite3.Row, rows: list[sqlite3.Row], now: float) -> None:
    """Neither a default, nor a protected, nor a parent branch may expire, in whatever order it becomes so."""
    expires = row["expires_at"] is not None
    if "expires_at" in changes:
        expires = _branch_expiry(changes["expires_at"], now) is not None
    if not expires:
        return
    if row["is_default"] or changes.get("protected", row["protected"]):
        raise Refusal(422, "a default or protected branch cannot expire")
    if any(other["parent_id"] == row["id"] for other in rows):
        raise Refusal(422, "a branch with children cannot expire")


def delete_branch(call: Call) -> Answer:
    """DELETE /projects/{project_id}/branches/{branch_id}: 204 where it is gone already."""
    at_once = call.parameters(DeleteBranch).hard_delete
    world = call.world
    project_id = call.project()["id"]
    if branches.find_branch(world.store, project_id, call.path["branch_id"], world.clock.now()) is None:
        return Answer(status=204)
    with call.change() as change:
        row = branch_of(call, change.now)
        _check_deletable(call, row, branches.branches(world.store, project_id, change.now))
        computes = endpoints.endpoints_of_branch(world.store, project_id, row["id"])
        schedules.catch_up(change.transaction, project_id)
        (branches.delete_at_once if at_once else branches.remove_branch)(change.transaction, row)
        works = [
            Work("suspend_compute", row["id"], compute["id"])
            for compute in computes
            if endpoints.active(compute, change.now)
        ]
        works.append(Work("delete_timeline", row["id"]))
        started = change.start(works)
        branch = branches.describe_branch(row, change.now)
    return Answer({"branch": branch, "operations": started})


def _check_deletable(call: Call, row: sqlite3.Row, rows: list[sqlite3.Row]) -> None:
    if row["is_default"]:
        raise Refusal(422, "cannot delete the default branch")
    if row["protected"]:
        raise Refusal(422, "cannot delete a protected branch")
    if row["parent_id"] is None and not _root_deletable(call, row):
        raise Refusal(422, "cannot delete a root branch")
    if any(other["parent_id"] == row["id"] for other in rows):
        raise Refusal(422, "branch has children, delete them first")


def _root_deletable(call: Call, row: sqlite3.Row) -> bool:
    match call.world.behaviour.root_branches_deletable:
        case DeletableRoots.ALL:
            return True
        case DeletableRoots.ALL_BUT_THE_FIRST:
            return not branches.begins_project(call.world.store, row)
        case DeletableRoots.NONE:
            return False


def set_default_branch(call: Call) -> Answer:
    """POST /projects/{project_id}/branches/{branch_id}/set_as_default."""
    world = call.world
    with call.change() as change:
        row = branch_of(call, change.now)
        if row["expires_at"] is not None:
            raise Refusal(422, "a branch that expires cannot be the default")
        before = branches.default_branch(world.store, row["project_id"])
        branches.change_branch(change.transaction, before, {"default": False})
        branch = branches.change_branch(change.transaction, row, {"default": True})
    return Answer({"branch": branch, "operations": []})
