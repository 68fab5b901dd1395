"""/projects/{project_id}/permissions: list, grant, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator import keys
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import GrantPermission
from reconciler.simulator.refusal import Refusal, not_found

if TYPE_CHECKING:
    from reconciler.simulator.call import Call


def list_permissions(call: Call) -> Answer:
    """GET /projects/{project_id}/permissions: those that hold."""
    rows = keys.permissions(call.world.store, call.project()["id"])
    return Answer({"project_permissions": [keys.describe_permission(row) for row in rows]})


def grant_permission(call: Call) -> Answer:
    """POST /projects/{project_id}/permissions."""
    email, store = call.body(GrantPermission).email, call.world.store
    with call.change() as change:
        project_id = change.project["id"]
        call.require_no_project_key()
        granted = keys.permissions(store, project_id)
        if any(row["email"].lower() == email.lower() for row in granted):
            raise Refusal(409, "project access has already been granted to this email address")
        answer = keys.store_permission(change.transaction, project_id, email)
    return Answer(answer)


def revoke_permission(call: Call) -> Answer:
    """DELETE /projects/{project_id}/permissions/{permission_id}."""
    store = call.world.store
    with call.change() as change:
        project_id = change.project["id"]
        call.require_no_project_key()
        for row in keys.permissions(store, project_id):
            if row["id"] == call.path["permission_id"]:
                return Answer(keys.remove_permission(change.transaction, row))
        raise not_found("permission")
