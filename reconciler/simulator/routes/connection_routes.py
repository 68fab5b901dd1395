"""/connection_uri: how to connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconciler.simulator import branches, endpoints, roles_and_databases, shapes
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import ResourceId  # noqa: TC001 - read at run time by msgspec
from reconciler.simulator.refusal import not_found
from reconciler.simulator.store import body_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.call import Call
    from reconciler.simulator.shapes import Document


class ConnectionQuery(Struct, forbid_unknown_fields=True):
    """Which connection is asked for."""

    database_name: str
    role_name: str
    branch_id: ResourceId | None = None
    endpoint_id: ResourceId | None = None
    pooled: bool = False


def get_connection_uri(call: Call) -> Answer:
    """GET /projects/{project_id}/connection_uri: of the default branch, unless another is named."""
    query = call.parameters(ConnectionQuery)
    branch = _chosen_branch(call, query.branch_id)
    compute = _chosen_compute(call, branch, query.endpoint_id)
    if roles_and_databases.find_database(call.world.store, branch["id"], query.database_name) is None:
        raise not_found("database")
    role = roles_and_databases.find_role(call.world.store, branch["id"], query.role_name)
    if role is None:
        raise not_found("role")
    uri = shapes.connection_uri(
        call.world.data,
        role_name=query.role_name,
        password=roles_and_databases.revealed_password(role, call.project()),
        host=compute["host"],
        database_name=query.database_name,
        pooled=query.pooled,
    )
    return Answer({"uri": uri})


def _chosen_branch(call: Call, branch_id: str | None) -> sqlite3.Row:
    store, project_id = call.world.store, call.project()["id"]
    if branch_id is None:
        return branches.default_branch(store, project_id)
    row = branches.find_branch(store, project_id, branch_id, call.world.clock.now())
    if row is None:
        raise not_found("branch")
    return row


def _chosen_compute(call: Call, branch: sqlite3.Row, endpoint_id: str | None) -> Document:
    for row in endpoints.endpoints_of_branch(call.world.store, branch["project_id"], branch["id"]):
        if row["type"] == "read_write" if endpoint_id is None else row["id"] == endpoint_id:
            compute: dict[str, Any] = body_of(row)
            return compute
    raise not_found("endpoint")
