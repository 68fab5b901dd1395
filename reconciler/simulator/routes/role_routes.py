"""/projects/{project_id}/branches/{branch_id}/roles: list, create, read, delete; reveal and reset passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator import endpoints, roles_and_databases
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import CreateRole
from reconciler.simulator.limits import check_room_for_role
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.routes.branch_routes import branch_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.call import Call, Change
    from reconciler.simulator.shapes import Document


def list_roles(call: Call) -> Answer:
    """GET .../roles: without passwords."""
    branch = branch_of(call, call.world.clock.now())
    rows = roles_and_databases.roles(call.world.store, branch["id"])
    return Answer({"roles": [roles_and_databases.describe_role_or_database(row) for row in rows]})


def get_role(call: Call) -> Answer:
    """GET .../roles/{role_name}: without its password."""
    return Answer({"role": roles_and_databases.describe_role_or_database(_role_of(call, call.world.clock.now()))})


def _role_of(call: Call, now: float) -> sqlite3.Row:
    branch = branch_of(call, now)
    row = roles_and_databases.find_role(call.world.store, branch["id"], call.path["role_name"])
    if row is None:
        raise not_found("role")
    return row


def create_role(call: Call) -> Answer:
    """POST .../roles: the answer holds the password."""
    stated, store = call.body(CreateRole).role, call.world.store
    with call.change() as change:
        branch = branch_of(call, change.now)
        roles_and_databases.check_role_name(stated.name)
        names = [row["name"] for row in roles_and_databases.roles(store, branch["id"])]
        if stated.name in names:
            raise Refusal(409, "role already exists")
        check_room_for_role(len(names))
        endpoints.check_writer(store, branch)
        made = roles_and_databases.store_role(
            change.transaction, branch["id"], stated.name, login=stated.no_login is not True
        )
        answer = _role_and_operations(change, branch, made)
    return Answer(answer, status=201)


def _role_and_operations(change: Change, branch: sqlite3.Row, role: Document) -> Document:
    works = endpoints.configuration_works(change.transaction, branch, change.now)
    return {"role": role, "operations": change.start(works)}


def delete_role(call: Call) -> Answer:
    """DELETE .../roles/{role_name}: 204 where it is gone already."""
    branch = branch_of(call, call.world.clock.now())
    if roles_and_databases.find_role(call.world.store, branch["id"], call.path["role_name"]) is None:
        return Answer(status=204)
    with call.change() as change:
        row = _role_of(call, change.now)
        roles_and_databases.check_owns_nothing(change.transaction, row)
        roles_and_databases.remove_role(change.transaction, row)
        answer = _role_and_operations(change, branch, roles_and_databases.describe_role_or_database(row))
    return Answer(answer)


def reveal_password(call: Call) -> Answer:
    """GET .../roles/{role_name}/reveal_password: 412 where the project does not store passwords."""
    row = _role_of(call, call.world.clock.now())
    return Answer({"password": roles_and_databases.revealed_password(row, call.project())})


def reset_password(call: Call) -> Answer:
    """POST .../roles/{role_name}/reset_password: the answer holds the new one."""
    with call.change() as change:
        branch, row = branch_of(call, change.now), _role_of(call, change.now)
        roles_and_databases.check_login(row)
        answer = _role_and_operations(
            change, branch, roles_and_databases.replace_password(change.transaction, row)
        )
    return Answer(answer)
