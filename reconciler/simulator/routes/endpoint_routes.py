"""/projects/{project_id}/endpoints: list, create, read, change, delete, start, suspend, restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import to_builtins

from reconciler.simulator import branches, endpoints
from reconciler.simulator.answer import Answer
from reconciler.simulator.behaviour import Patch
from reconciler.simulator.bodies import CreateEndpoint, UpdateEndpoint
from reconciler.simulator.limits import check_compute, check_room_for_replica
from reconciler.simulator.metering import meters
from reconciler.simulator.operations import Work
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.routes.branch_routes import branch_of
from reconciler.simulator.store import body_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.call import Call
    from reconciler.simulator.shapes import Document


def list_endpoints(call: Call) -> Answer:
    """GET /projects/{project_id}/endpoints."""
    project = call.project()
    return _endpoints_answer(call, project, endpoints.endpoints_of_project(call.world.store, project["id"]))


def list_endpoints_of_branch(call: Call) -> Answer:
    """GET /projects/{project_id}/branches/{branch_id}/endpoints."""
    row = branch_of(call, call.world.clock.now())
    found = endpoints.endpoints_of_branch(call.world.store, row["project_id"], row["id"])
    return _endpoints_answer(call, call.project(), found)


def _endpoints_answer(call: Call, project: sqlite3.Row, rows: list[sqlite3.Row]) -> Answer:
    now = call.world.clock.now()
    suspended_at = meters.suspended_at(call.world.store, project, now)
    live = {row["id"] for row in branches.branches(call.world.store, project["id"], now)}
    return Answer(
        {
            "endpoints": [
                endpoints.describe_endpoint(row, now, suspended_at) for row in rows if row["branch_id"] in live
            ]
        }
    )


def get_endpoint(call: Call) -> Answer:
    """GET /projects/{project_id}/endpoints/{endpoint_id}."""
    now = call.world.clock.now()
    suspended_at = meters.suspended_at(call.world.store, call.project(), now)
    return Answer({"endpoint": endpoints.describe_endpoint(_endpoint(call), now, suspended_at)})


def _endpoint(call: Call) -> sqlite3.Row:
    store, now = call.world.store, call.world.clock.now()
    row = endpoints.find_endpoint(store, call.project()["id"], call.path["endpoint_id"])
    if row is None or branches.find_branch(store, row["project_id"], row["branch_id"], now) is None:
        raise not_found("endpoint")
    return row


def create_endpoint(call: Call) -> Answer:
    """POST /projects/{project_id}/endpoints."""
    stated: Document = to_builtins(call.body(CreateEndpoint).endpoint)
    world = call.world
    with call.change() as change:
        project = change.project
        branch_id = _branch_with_room(call, project["id"], stated, change.now)
        document = body_of(project)
        limits = call.organization(project["org_id"]).limits
        if stated["type"] == "read_only":
            check_room_for_replica(endpoints.count_replicas(world.store, project["id"], change.now), limits)
        stated = endpoints.settable(stated, limits, world.behaviour)
        defaults = document["default_endpoint_settings"]
        compute = endpoints.compute_of(stated, defaults, world.behaviour)
        check_compute(compute, limits)
        made = endpoints.store_endpoint(
            change.transaction,
            project=document,
            branch_id=branch_id,
            kind=stated["type"],
            compute=compute,
            pg_settings=endpoints.pg_settings_of(defaults, world.behaviour),
            stated=stated,
        )
        works = [] if made["disabled"] else [Work("start_compute", branch_id, made["id"])]
        started = change.start(works)
    return Answer({"endpoint": made, "operations": started}, status=201)


def _branch_with_room(call: Call, project_id: str, stated: Document, now: float) -> str:
    store = call.world.store
    row = branches.find_branch(store, project_id, stated["branch_id"], now)
    if row is None:
        raise not_found("branch")
    present = endpoints.endpoints_of_branch(store, project_id, row["id"])
    if stated["type"] == "read_write" and any(other["type"] == "read_write" for other in present):
        raise Refusal(409, "read-write endpoint already exists")
    branch_id: str = row["id"]
    return branch_id


def update_endpoint(call: Call) -> Answer:
    """PATCH /projects/{project_id}/endpoints/{endpoint_id}: wakes a compute that is idle for a moment."""
    stated: Document = to_builtins(call.body(UpdateEndpoint).endpoint)
    world = call.world
    with call.change() as change:
        row = _endpoint(call)
        stored = body_of(row)
        limits = call.organization(change.project["org_id"]).limits
        stated = endpoints.settable(stated, limits, world.behaviour)
        compute = endpoints.compute_of(stated, stored, world.behaviour)
        check_compute(compute, limits)
        changes = {**stated, **_settings(stored, stated, world.behaviour), **compute}
        if changes == {member: stored.get(member) for member in changes}:
            return Answer({"endpoint": endpoints.describe_endpoint(row, change.now), "operations": []})
        disabled = changes.get("disabled", stored["disabled"])
        until = change.now if disabled else _active_until(row, compute, change.now)
        endpoint = endpoints.change_endpoint(change.transaction, row, changes, active_until=until)
        works = [Work("suspend_compute" if disabled else "apply_config", row["branch_id"], row["id"])]
        started = change.start(works)
    return Answer({"endpoint": endpoint, "operations": started})


def _settings(stored: Document, stated: Document, behaviour: Behaviour) -> Document:
    if "settings" not in stated or behaviour.pg_settings_patch is Patch.REPLACE:
        return {}
    before = stored["settings"]
    return {"settings": {**before, **endpoints.merged_pg_settings(before, stated["settings"], behaviour)}}


def _active_until(row: sqlite3.Row, compute: Document, now: float) -> float:
    until: float = row["active_until"]
    return max(until, now + endpoints.idle_after(compute))


def delete_endpoint(call: Call) -> Answer:
    """DELETE /projects/{project_id}/endpoints/{endpoint_id}: 204 where it is gone already."""
    world = call.world
    project_id = call.project()["id"]
    query = "SELECT deleted_at FROM endpoints WHERE id = ? AND project_id = ?"
    if world.store.value(query, call.path["endpoint_id"], project_id) is not None:
        return Answer(status=204)
    with call.change() as change:
        row = _endpoint(call)
        branch = branches.find_branch(world.store, project_id, row["branch_id"], change.now)
        if branch is not None and branch["protected"]:
            raise Refusal(422, "cannot delete a compute of a protected branch")
        change.transaction.update("endpoints", row["id"], deleted_at=change.now)
        works = [Work("suspend_compute", row["branch_id"], row["id"])] * endpoints.active(row, change.now)
        started = change.start(works)
        endpoint = endpoints.describe_endpoint(row, change.now)
    return Answer({"endpoint": endpoint, "operations": started})


def start_endpoint(call: Call) -> Answer:
    """POST /projects/{project_id}/endpoints/{endpoint_id}/start."""
    return _set_running(call, running=True, actions=("start_compute",))


def suspend_endpoint(call: Call) -> Answer:
    """POST /projects/{project_id}/endpoints/{endpoint_id}/suspend."""
    return _set_running(call, running=False, actions=("suspend_compute",))


def restart_endpoint(call: Call) -> Answer:
    """POST /projects/{project_id}/endpoints/{endpoint_id}/restart."""
    return _set_running(call, running=True, actions=("suspend_compute", "start_compute"))


def _set_running(call: Call, *, running: bool, actions: tuple[str, ...]) -> Answer:
    world = call.world
    with call.change() as change:
        row = _endpoint(call)
        body = body_of(row)
        if running and body["disabled"]:
            raise Refusal(422, "endpoint is disabled")
        if running:
            meters.check_may_run(world.store, call.project(), change.now)
        until = change.now + (endpoints.idle_after(body) if running else 0)
        endpoint = endpoints.change_endpoint(change.transaction, row, {}, active_until=until)
        works = [Work(action, row["branch_id"], row["id"]) for action in actions]
        started = change.start(works)
    return Answer({"endpoint": endpoint, "operations": started})
