"""Branches brought back: from a snapshot, to an earlier state, after their deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET, Struct

from reconciler.simulator import branches, endpoints, restore_points, restores, schedules, shapes
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import FinalizeRestore, FreeBranchName, RestoreBranch, RestoreSnapshot
from reconciler.simulator.clock import timestamp
from reconciler.simulator.limits import check_room_for_branch
from reconciler.simulator.operations import Work
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.restores import Source
from reconciler.simulator.routes.branch_routes import (
    branch_of,
    check_room_for_root,
    snapshots_as_branches,
    soft_deleted,
)
from reconciler.simulator.routes.snapshot_routes import snapshot_of
from reconciler.simulator.store import body_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.call import Call
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

SETTLING_SECONDS: Final = 86_400
"""How long children of a branch made of a snapshot cannot be reset to it (Neon: guides/backup-restore)."""


class RestoreSnapshotQuery(Struct, forbid_unknown_fields=True):
    """The query of a restore (Neon: deprecated, the body names the branch)."""

    name: FreeBranchName = ""


def restore_snapshot(call: Call) -> Answer:
    """POST /projects/{project_id}/snapshots/{snapshot_id}/restore."""
    query = call.parameters(RestoreSnapshotQuery)
    body = call.body(RestoreSnapshot) if call.content else RestoreSnapshot()
    with call.change() as change:
        project, snapshot = change.project, snapshot_of(call, change.transaction)
        target = _target(call, snapshot, body.target_branch_id, change.now)
        name = body.name or query.name or None
        _check_room_for_copy(call, project, name, change.now, roots=1)
        made = restores.make(change.transaction, target, Source.of(snapshot), name=name)
        works = [Work("create_timeline", made["id"])]
        if body.finalize_restore:
            works += _replace(call, change.transaction, made, target, "")
        else:
            works.append(Work("start_compute", made["id"], _add_compute(change.transaction, project, made["id"])))
        started = change.start(works)
        answer = _shown_result(call, made["id"], change.now)
    return Answer({**answer, "operations": started})


def _target(call: Call, snapshot: sqlite3.Row, stated: str, now: float) -> sqlite3.Row:
    """The branch that a restore is about: the one it names, else the one that the snapshot was taken of."""
    branch_id = stated or body_of(snapshot)["source_branch_id"]
    row = branches.find_branch(call.world.store, snapshot["project_id"], branch_id, now)
    if row is None:
        raise not_found("target branch")
    return row


def _check_room_for_copy(call: Call, project: sqlite3.Row, name: str | None, now: float, *, roots: int) -> None:
    """Refuse one branch more than a project may have, or a name that is taken."""
    rows = branches.branches(call.world.store, project["id"], now)
    counted = [*rows, *soft_deleted(call, project["id"], now)]
    count = len(counted) + snapshots_as_branches(call, now)
    check_room_for_branch(count, call.organization(project["org_id"]).limits)
    if roots:
        check_room_for_root(call, rows)
    branches.check_name_free(counted, name)


def _add_compute(transaction: Transaction, project: sqlite3.Row, branch_id: str) -> str:
    """Give a restored branch a compute as the project's defaults describe it; the answer is its id."""
    document = body_of(project)
    compute = endpoints.store_endpoint(
        transaction,
        project=document,
        branch_id=branch_id,
        kind="read_write",
        compute={member: document["default_endpoint_settings"][member] for member in shapes.DEFAULT_COMPUTE},
    )
    endpoint_id: str = compute["id"]
    return endpoint_id


def _replace(
    call: Call, transaction: Transaction, restored: sqlite3.Row, target: sqlite3.Row, old_name: str
) -> list[Work]:
    """Put a restored branch in the place of its target; the answer is what that sets going."""
    store, now, project_id = call.world.store, transaction.now, target["project_id"]
    rows = [*branches.branches(store, project_id, now), *soft_deleted(call, project_id, now)]
    branches.check_name_free(rows, old_name or None)
    computes = [row for row in (restored, target) for row in _active(call, row, now)]
    restores.replace(
        transaction,
        restored,
        target,
        old_name=old_name or restores.replaced_name(target["name"], {row["name"] for row in rows}),
        keeps_annotations=call.world.behaviour.restore_keeps_annotations,
    )
    left = {row["id"] for row in endpoints.endpoints_of_branch(store, project_id, restored["id"])}
    stopped = [Work("suspend_compute", restored["id"], row["id"]) for row in computes]
    return stopped + [Work("start_compute", restored["id"], row["id"]) for row in computes if row["id"] in left]


def _active(call: Call, branch: sqlite3.Row, now: float) -> list[sqlite3.Row]:
    rows = endpoints.endpoints_of_branch(call.world.store, branch["project_id"], branch["id"])
    return [row for row in rows if endpoints.active(row, now)]


def _shown_result(call: Call, branch_id: str, now: float) -> Document:
    row = restores.existing_branch(call.world.store, branch_id)
    computes = endpoints.endpoints_of_branch(call.world.store, row["project_id"], branch_id)
    return {
        "branch": branches.describe_branch(row, now),
        "endpoints": [endpoints.describe_endpoint(compute, now) for compute in computes],
    }


def finalize_restore(call: Call) -> Answer:
    """POST /projects/{project_id}/branches/{branch_id}/finalize_restore."""
    body = call.body(FinalizeRestore) if call.content else FinalizeRestore()
    with call.change() as change:
        row = branch_of(call, change.now)
        target = _replaceable(call, row, change.now)
        schedules.catch_up(change.transaction, row["project_id"])
        works = _replace(call, change.transaction, row, target, body.name)
        started = change.start(works)
    return Answer({"operations": started})


def _replaceable(call: Call, row: sqlite3.Row, now: float) -> sqlite3.Row:
    """The branch whose place a restored one is to take."""
    body = body_of(row)
    if body.get("restore_status") != "restored":
        raise Refusal(422, "branch is not an unfinished restore of a snapshot")
    if row["expires_at"] is not None:
        raise Refusal(422, "a branch that expires cannot replace another")
    target = branches.find_branch(call.world.store, row["project_id"], body["restored_as"], now)
    if target is None:
        raise Refusal(422, "the branch to be replaced does not exist any more")
    return target


def restore_branch(call: Call) -> Answer:
    """POST /projects/{project_id}/branches/{branch_id}/restore: a reset, where the source is the parent."""
    body = call.body(RestoreBranch)
    store = call.world.store
    with call.change() as change:
        now, project = change.now, change.project
        row = branch_of(call, now)
        source = branches.find_branch(store, project["id"], body.source_branch_id, now)
        if source is None:
            raise not_found("source branch")
        _check_restorable(call, row, source, body, now)
        point = _point_of_restore(call, source, body, now)
        schedules.catch_up(change.transaction, project["id"])
        parent = _parent(call, change.transaction, row, source, body.preserve_under_name, point)
        past = point if _names_a_moment(body) else None
        restores.reset(change.transaction, row, source, parent, point=past)
        works = [Work("create_timeline", row["id"])]
        for action in ("suspend_compute", "start_compute"):
            works += [Work(action, row["id"], compute["id"]) for compute in _active(call, row, now)]
        started = change.start(works)
        branch = branches.describe_branch(restores.existing_branch(store, row["id"]), now)
    return Answer({"branch": branch, "operations": started})


def _check_restorable(call: Call, row: sqlite3.Row, source: sqlite3.Row, body: RestoreBranch, now: float) -> None:
    if row["protected"]:
        raise Refusal(422, "cannot restore or reset a protected branch")
    own_past = source["id"] == row["id"]
    if own_past and not _names_a_moment(body):
        raise Refusal(400, "source_timestamp or source_lsn is required to restore a branch from itself")
    others = branches.branches(call.world.store, row["project_id"], now)
    if not body.preserve_under_name and (own_past or any(other["parent_id"] == row["id"] for other in others)):
        raise Refusal(400, "preserve_under_name is required for a branch with children and for its own past")
    if not own_past and source["expires_at"] is not None:
        raise Refusal(422, "cannot create a branch from a branch that expires")
    if row["parent_id"] == source["id"] and _settling(source, now):
        raise Refusal(422, "the parent branch was restored from a snapshot less than a day ago")


def _settling(row: sqlite3.Row, now: float) -> bool:
    restored = "restored_from" in body_of(row)
    return restored and bool(now < row["created_at"] + SETTLING_SECONDS)


def _names_a_moment(body: RestoreBranch) -> bool:
    return body.source_timestamp is not UNSET or body.source_lsn is not UNSET


def _point_of_restore(call: Call, source: sqlite3.Row, body: RestoreBranch, now: float) -> float:
    return restore_points.point(
        call.world.store,
        source,
        msgspec.json.decode(call.project()["body"])["history_retention_seconds"],
        now,
        stated_time=None if body.source_timestamp is UNSET else body.source_timestamp,
        stated_position=None if body.source_lsn is UNSET else body.source_lsn,
    )


def _parent(
    call: Call, transaction: Transaction, row: sqlite3.Row, source: sqlite3.Row, kept_as: str, point: float
) -> dict[str, Any]:
    """What a branch is a child of after its restore; on the way its current state is kept, where it is to be.

    Neon: a branch that goes back to its own past becomes a child of the state that it left.
    """
    parent_id, detaches = source["id"], call.world.behaviour.own_past_detaches
    own_past = source["id"] == row["id"]
    if kept_as:
        roots = int(own_past and detaches and row["parent_id"] is None)
        _check_room_for_copy(call, call.project(), kept_as, transaction.now, roots=roots)
        kept_id = restores.preserve(transaction, row, kept_as)
        if own_past:
            parent_id = kept_id
    if own_past and detaches:
        return {}
    times = {"parent_lsn": restore_points.position(point), "parent_timestamp": timestamp(point)}
    return {"parent_id": parent_id, **times, "init_source": "parent-data"}


def recover_branch(call: Call) -> Answer:
    """POST /projects/{project_id}/branches/{branch_id}/recover: no operations, and the computes are idle."""
    store = call.world.store
    with call.change() as change:
        now, project = change.now, change.project
        row = _deleted(call, project["id"], now)
        rows = branches.branches(store, project["id"], now)
        _check_recoverable(call, project, row, rows)
        schedules.catch_up(change.transaction, project["id"])
        branches.recover(change.transaction, row)
        answer = _shown_result(call, row["id"], now)
    return Answer(answer)


def _deleted(call: Call, project_id: str, now: float) -> sqlite3.Row:
    for row in soft_deleted(call, project_id, now):
        if row["id"] == call.path["branch_id"]:
            return row
    raise not_found("deleted branch")


def _check_recoverable(call: Call, project: sqlite3.Row, row: sqlite3.Row, rows: list[sqlite3.Row]) -> None:
    branches.check_name_free(rows, row["name"])
    count = len(rows) + snapshots_as_branches(call, call.world.clock.now())
    check_room_for_branch(count, call.organization(project["org_id"]).limits)
    if row["parent_id"] is None:
        check_room_for_root(call, rows)
        return
    parent = next((other for other in rows if other["id"] == row["parent_id"]), None)
    if parent is None:
        raise Refusal(422, "the parent branch does not exist, recover it first")
    if parent["expires_at"] is not None:
        raise Refusal(422, "the parent branch expires")
