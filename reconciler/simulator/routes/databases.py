"""/projects/{project_id}/branches/{branch_id}/databases: list, create, read, change, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from reconciler.simulator import catalog, endpoints, operations
from reconciler.simulator.bodies import CreateDatabase, UpdateDatabase
from reconciler.simulator.call import Answer, Call
from reconciler.simulator.limits import check_room_for_database
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.routes.branches import branch_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.documents import Document
    from reconciler.simulator.store import Store, Transaction


def list_databases(call: Call) -> Answer:
    """GET .../databases."""
    branch = branch_of(call, call.world.clock.now())
    rows = catalog.databases(call.world.store, branch["id"])
    return Answer({"databases": [catalog.describe(row) for row in rows]})


def get_database(call: Call) -> Answer:
    """GET .../databases/{database_name}."""
    return Answer({"database": catalog.describe(_database_of(call, call.world.clock.now()))})


def _database_of(call: Call, now: float) -> sqlite3.Row:
    branch = branch_of(call, now)
    row = catalog.database(call.world.store, branch["id"], call.path["database_name"])
    if row is None:
        raise not_found("database")
    return row


def create_database(call: Call) -> Answer:
    """POST .../databases: 404 where nobody of that name could own it."""
    stated, store = call.body(CreateDatabase).database, call.world.store
    with call.writing() as transaction:
        branch = branch_of(call, transaction.now)
        call.check_unlocked(branch["project_id"], transaction.now)
        _check_name(store, branch, stated.name)
        _check_owner(store, branch, stated.owner_name)
        check_room_for_database(len(catalog.databases(store, branch["id"])))
        made = catalog.create_database(transaction, branch["id"], stated.name, stated.owner_name)
        answer = _with_operations(call, transaction, branch, made)
    return Answer(answer, status=201)


def _check_name(store: Store, branch: sqlite3.Row, name: str) -> None:
    catalog.check_database_name(name)
    if catalog.database(store, branch["id"], name) is not None:
        raise Refusal(409, "database already exists")


def _check_owner(store: Store, branch: sqlite3.Row, name: str) -> None:
    if catalog.role(store, branch["id"], name) is None:
        raise not_found("owner role")


def _with_operations(
    call: Call, transaction: Transaction, branch: sqlite3.Row, database: Document
) -> dict[str, Any]:
    works = endpoints.configuration_works(call.world.store, branch, transaction.now)
    started = operations.start(transaction, branch["project_id"], works, call.script.fate)
    return {"database": database, "operations": started}


def update_database(call: Call) -> Answer:
    """PATCH .../databases/{database_name}: its name, its owner."""
    stated: Document = to_builtins(call.body(UpdateDatabase).database)
    store = call.world.store
    with call.writing() as transaction:
        branch, row = branch_of(call, transaction.now), _database_of(call, transaction.now)
        call.check_unlocked(branch["project_id"], transaction.now)
        stored = catalog.describe(row)
        changes = {member: value for member, value in stated.items() if value != stored[member]}
        if not changes:
            return Answer({"database": stored, "operations": []})
        if "name" in changes:
            _check_name(store, branch, changes["name"])
        if "owner_name" in changes:
            _check_owner(store, branch, changes["owner_name"])
        changed = catalog.change_database(transaction, row, changes)
        answer = _with_operations(call, transaction, branch, changed)
    return Answer(answer)


def delete_database(call: Call) -> Answer:
    """DELETE .../databases/{database_name}: 204 where it is gone already."""
    store = call.world.store
    with call.writing() as transaction:
        branch = branch_of(call, transaction.now)
        row = catalog.database(store, branch["id"], call.path["database_name"])
        if row is None:
            return Answer(status=204)
        call.check_unlocked(branch["project_id"], transaction.now)
        catalog.delete_database(transaction, row)
        answer = _with_operations(call, transaction, branch, catalog.describe(row))
    return Answer(answer)
