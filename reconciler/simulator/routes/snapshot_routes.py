"""/projects/{project_id}/snapshots: take one of a branch, list, rename, delete (Neon: beta)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct

from reconciler.simulator import branches, restore_points, schedules, snapshots
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import UpdateSnapshot
from reconciler.simulator.limits import check_room_for_branch, check_room_for_snapshot
from reconciler.simulator.operations import Work
from reconciler.simulator.refusal import Refusal, not_found
from reconciler.simulator.routes.branch_routes import branch_of, snapshots_as_branches
from reconciler.simulator.store import body_of

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.call import Call
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction


class CreateSnapshot(Struct, forbid_unknown_fields=True):
    """The query of a new snapshot. There is no body."""

    lsn: str | None = None
    timestamp: str | None = None
    name: str | None = None
    expires_at: str | None = None


def create_snapshot(call: Call) -> Answer:
    """POST /projects/{project_id}/branches/{branch_id}/snapshot."""
    query = call.parameters(CreateSnapshot)
    if call.content.strip() not in {b"", b"{}"}:
        raise Refusal(400, "invalid request: a snapshot is described by query parameters, not by a body")
    with call.change() as change:
        branch = branch_of(call, change.now)
        made = _take_snapshot(call, change.transaction, branch, query)
        works = (Work("create_timeline", branch["id"]),)
        started = change.start(works)
    return Answer({"snapshot": made, "operations": started})


def _take_snapshot(call: Call, transaction: Transaction, branch: sqlite3.Row, query: CreateSnapshot) -> Document:
    project, now = call.project(), transaction.now
    if branch["parent_id"] is not None:
        raise Refusal(422, "snapshots can only be created of root branches")
    window_seconds = body_of(project)["history_retention_seconds"]
    point = restore_points.point(
        call.world.store,
        branch,
        window_seconds,
        now,
        stated_time=query.timestamp or None,
        stated_position=query.lsn or None,
    )
    expires_at = _snapshot_expiry(query.expires_at, now)
    count = snapshots.count_manual(call.world.store, project["id"], now)
    lag_seconds = call.world.behaviour.deletion_count_lag_seconds
    count += snapshots.count_deleted_snapshots(call.world.store, project["id"], now - lag_seconds)
    limits = call.organization(project["org_id"]).limits
    check_room_for_snapshot(count, limits, with_code=call.world.behaviour.snapshot_limit_code)
    if call.world.behaviour.snapshots_count_as_branches:
        rows = branches.branches(call.world.store, project["id"], now)
        check_room_for_branch(len(rows) + snapshots_as_branches(call, now), limits)
    past = point if query.timestamp or query.lsn else None
    return snapshots.store_snapshot(transaction, branch, name=query.name, point=past, expires_at=expires_at)


def _snapshot_expiry(stated: str | None, now: float) -> float | None:
    if not stated:
        return None
    seconds = restore_points.moment("expires_at", stated)
    if seconds <= now:
        raise Refusal(400, "expires_at must be in the future")
    return seconds


def list_snapshots(call: Call) -> Answer:
    """GET /projects/{project_id}/snapshots."""
    store, now, project_id = call.world.store, call.world.clock.now(), call.project()["id"]
    rows: list[sqlite3.Row | Document] = [
        *snapshots.snapshots(store, project_id, now),
        *schedules.pending(store, project_id, now),
    ]
    rows.sort(key=lambda row: (-row["created_at"], row["id"]))
    return Answer({"snapshots": [snapshots.describe_snapshot(row, now) for row in rows]})


def update_snapshot(call: Call) -> Answer:
    """PATCH /projects/{project_id}/snapshots/{snapshot_id}: its name, and no operations."""
    patch = call.body(UpdateSnapshot).snapshot
    with call.writing() as transaction:
        row = snapshot_of(call, transaction)
        if patch.name is not UNSET:
            snapshots.rename(transaction, row, patch.name)
        answer = snapshots.describe_snapshot(snapshot_of(call, transaction), transaction.now)
    return Answer({"snapshot": answer})


def delete_snapshot(call: Call) -> Answer:
    """DELETE /projects/{project_id}/snapshots/{snapshot_id}: for good."""
    with call.change() as change:
        row = snapshot_of(call, change.transaction)
        snapshots.remove_snapshot(change.transaction, row)
        works = (Work("delete_timeline"),)
        started = change.start(works)
    return Answer({"operations": started}, status=202)


def snapshot_of(call: Call, transaction: Transaction) -> sqlite3.Row:
    """The row of the snapshot in the path, which a schedule may only just have taken."""
    store, project_id = call.world.store, call.project()["id"]
    schedules.catch_up(transaction, project_id)
    row = snapshots.find_snapshot(store, project_id, call.path["snapshot_id"], transaction.now)
    if row is None:
        raise not_found("snapshot")
    return row
