"""/projects/{project_id}/branches/{branch_id}/databases: list, create, read, change, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import to_builtins

from reconciler.simulator import endpoints, roles_and_databases
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import CreateDatabase, UpdateDatabase
from reconciler.simulator.limits import check_room_for_database
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.routes.branch_routes import branch_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.call import Call, Change
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Reading


def list_databases(call: Call) -> Answer:
    """GET .../databases."""
    branch = branch_of(call, call.world.clock.now())
    rows = roles_and_databases.databases(call.world.store, branch["id"])
    return Answer({"databases": [roles_and_databases.describe_role_or_database(row) for row in rows]})


def get_database(call: Call) -> Answer:
    """GET .../databases/{database_name}."""
    return Answer(
        {"database": roles_and_databases.describe_role_or_database(_database_of(call, call.world.clock.now()))}
    )


def _database_of(call: Call, now: float) -> sqlite3.Row:
    branch = branch_of(call, now)
    row = roles_and_databases.find_database(call.world.store, branch["id"], call.path["database_name"])
    if row is None:
        raise not_found("database")
    return row


def create_database(call: Call) -> Answer:
    """POST .../databases: 404 where nobody of that name could own it."""
    stated, store = call.body(CreateDatabase).database, call.world.store
    with call.change() as change:
        branch = branch_of(call, change.now)
        _check_name(store, branch, stated.name)
        _check_owner(store, branch, stated.owner_name)
        check_room_for_database(len(roles_and_databases.databases(store, branch["id"])))
        endpoints.check_writer(store, branch)
        made = roles_and_databases.store_database(change.transaction, branch["id"], stated.name, stated.owner_name)
        answer = _database_and_operations(change, branch, made)
    return Answer(answer, status=201)


def _check_name(store: Reading, branch: sqlite3.Row, name: str) -> None:
    roles_and_databases.check_database_name(name)
    if roles_and_databases.find_database(store, branch["id"], name) is not None:
        raise Refusal(409, "database already exists")


def _check_owner(store: Reading, branch: sqlite3.Row, name: str) -> None:
    if roles_and_databases.find_role(store, branch["id"], name) is None:
        raise not_found("owner role")


def _database_and_operations(change: Change, branch: sqlite3.Row, database: Document) -> Document:
    works = endpoints.configuration_works(change.transaction, branch, change.now)
    return {"database": database, "operations": change.start(works)}


def update_database(call: Call) -> Answer:
    """PATCH .../databases/{database_name}: its name, its owner."""
    stated: Document = to_builtins(call.body(UpdateDatabase).database)
    store = call.world.store
    with call.change() as change:
        branch, row = branch_of(call, change.now), _database_of(call, change.now)
        stored = roles_and_databases.describe_role_or_database(row)
        changes = {member: value for member, value in stated.items() if value != stored[member]}
        if not changes:
            return Answer({"database": stored, "operations": []})
        if "name" in changes:
            _check_name(store, branch, changes["name"])
        if "owner_name" in changes:
            _check_owner(store, branch, changes["owner_name"])
        changed = roles_and_databases.change_database(change.transaction, row, changes)
        answer = _database_and_operations(change, branch, changed)
    return Answer(answer)


def delete_database(call: Call) -> Answer:
    """DELETE .../databases/{database_name}: 204 where it is gone already."""
    branch = branch_of(call, call.world.clock.now())
    if roles_and_databases.find_database(call.world.store, branch["id"], call.path["database_name"]) is None:
        return Answer(status=204)
    with call.change() as change:
        row = _database_of(call, change.now)
        roles_and_databases.remove_database(change.transaction, row)
        answer = _database_and_operations(change, branch, roles_and_databases.describe_role_or_database(row))
    return Answer(answer)
