"""How to connect: /connection_uri, and the roles and databases of a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from reconciler.simulator import branches, documents, endpoints
from reconciler.simulator.bodies import ResourceId  # noqa: TC001 - read at run time by msgspec
from reconciler.simulator.call import Answer, Call
from reconciler.simulator.refusal import not_found
from reconciler.simulator.routes.branches import branch_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.documents import Document


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
    branch = _branch(call, query.branch_id)
    compute = _compute(call, branch, query.endpoint_id)
    store = call.world.store
    if all(row["name"] != query.database_name for row in branches.databases(store, branch["id"])):
        raise not_found("database")
    role = next((row for row in branches.roles(store, branch["id"]) if row["name"] == query.role_name), None)
    if role is None:
        raise not_found("role")
    uri = documents.connection_uri(
        role_name=query.role_name,
        password=role["password"],
        host=compute["host"],
        database_name=query.database_name,
        pooled=query.pooled,
    )
    return Answer({"uri": uri})


def _branch(call: Call, branch_id: str | None) -> sqlite3.Row:
    store, project_id = call.world.store, call.project()["id"]
    if branch_id is None:
        return branches.default_branch(store, project_id)
    row = branches.branch(store, project_id, branch_id, call.world.clock.now())
    if row is None:
        raise not_found("branch")
    return row


def _compute(call: Call, branch: sqlite3.Row, endpoint_id: str | None) -> Document:
    for row in endpoints.endpoints_of_branch(call.world.store, branch["project_id"], branch["id"]):
        if row["type"] == "read_write" if endpoint_id is None else row["id"] == endpoint_id:
            compute: dict[str, Any] = msgspec.json.decode(row["body"])
            return compute
    raise not_found("endpoint")


def list_roles(call: Call) -> Answer:
    """GET /projects/{project_id}/branches/{branch_id}/roles: without passwords."""
    branch = branch_of(call, call.world.clock.now())
    return Answer({"roles": _decoded(branches.roles(call.world.store, branch["id"]))})


def list_databases(call: Call) -> Answer:
    """GET /projects/{project_id}/branches/{branch_id}/databases."""
    branch = branch_of(call, call.world.clock.now())
    return Answer({"databases": _decoded(branches.databases(call.world.store, branch["id"]))})


def _decoded(rows: list[sqlite3.Row]) -> list[Document]:
    return [msgspec.json.decode(row["body"]) for row in rows]
