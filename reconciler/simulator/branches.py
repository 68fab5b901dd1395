"""Branches with their annotations. One whose expiry has passed is no longer there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.simulator import ids, roles_and_databases, shapes
from reconciler.simulator.clock import seconds_of, timestamp
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.store import Reading, body_of, encoded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

READY_SECONDS: Final = 0.2
"""How long a new branch is in state ``init``."""

RECOVERY_SECONDS: Final = 7 * 86_400
NOT_RESTORABLE: Final = ({"name": "restore", "reason": "the branch was restored from a snapshot"},)
"""Neon: guides/backup-restore, a limitation for now."""

_LIVE: Final = "deleted_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"


def store_branch(
    transaction: Transaction,
    *,
    project_id: str,
    name: str | None,
    default: bool,
    protected: bool = False,
    storage_bytes: int = 0,
    annotations: Mapping[str, str] | None = None,
    origin: Mapping[str, Any] | None = None,
    expires_at: float | None = None,
) -> Document:
    """Store a branch; one without a name is called by its id (Neon: manage/branches)."""
    now, branch_id = transaction.now, ids.branch_id(transaction.number())
    name = name or branch_id
    body = shapes.branch(
        branch_id=branch_id,
        project_id=project_id,
        name=name,
        default=default,
        protected=protected,
        now=now,
        origin=origin,
    )
    body["logical_size"] = storage_bytes
    body.update(_expiry_members(expires_at, now))
    transaction.insert(
        "branches",
        id=branch_id,
        project_id=project_id,
        parent_id=body.get("parent_id"),
        name=name,
        is_default=default,
        protected=protected,
        created_at=now,
        updated_at=now,
        expires_at=expires_at,
        body=body,
        annotations=_annotation(branch_id, annotations, now),
    )
    return {**body, "current_state": "init", "pending_state": "ready"}


def _annotation(branch_id: str, value: Mapping[str, str] | None, now: float) -> str | None:
    return encoded(shapes.annotation(branch_id, value, now)) if value else None


def _expiry_members(expires_at: float | None, now: float) -> Document:
    if expires_at is None:
        return {}
    return {"expires_at": timestamp(expires_at), "ttl_interval_seconds": int(expires_at) - int(now)}


def live(row: sqlite3.Row, now: float) -> bool:
    """Whether a branch is neither deleted nor expired."""
    return row["deleted_at"] is None and (row["expires_at"] is None or bool(row["expires_at"] > now))


def describe_branch(row: sqlite3.Row, now: float) -> Document:
    """A branch as it is now."""
    body: Document = body_of(row)
    if "restored_from" in body:
        body["restricted_actions"] = NOT_RESTORABLE
    if now < row["created_at"] + READY_SECONDS:
        return {**body, "current_state": "init", "pending_state": "ready"}
    if body.get("last_reset_at") == body["updated_at"] and now < row["updated_at"] + READY_SECONDS:
        return {**body, "current_state": "resetting", "pending_state": "ready"}
    return {**body, "current_state": "ready"}


def annotation_of(row: sqlite3.Row) -> Document:
    """The annotation of a branch, empty if it has none."""
    if row["annotations"] is None:
        return shapes.annotation(row["id"], {})
    stored: Document = msgspec.json.decode(row["annotations"])
    return stored


def change_branch(transaction: Transaction, row: sqlite3.Row, changes: Mapping[str, Any]) -> Document:
    """Store other members of a branch; a value of None takes a member away."""
    merged = {**body_of(row), **changes, "updated_at": timestamp(transaction.now)}
    body = {member: value for member, value in merged.items() if value is not None}
    expires_at = row["expires_at"]
    if "expires_at" in changes:
        expires_at = None if changes["expires_at"] is None else seconds_of(changes["expires_at"])
        body = {k: v for k, v in body.items() if k not in {"expires_at", "ttl_interval_seconds"}}
        body.update(_expiry_members(expires_at, transaction.now))
    body["primary"] = body["default"]
    transaction.update(
        "branches",
        row["id"],
        parent_id=body.get("parent_id"),
        name=body["name"],
        is_default=body["default"],
        protected=body["protected"],
        updated_at=transaction.now,
        expires_at=expires_at,
        body=body,
    )
    return {**body, "current_state": "ready"}


def resize(transaction: Transaction, row: sqlite3.Row, logical_size_bytes: int) -> None:
    """Store how large a branch has become, which nobody has asked for."""
    body = {**body_of(row), "logical_size": logical_size_bytes}
    transaction.update("branches", row["id"], body=body)


def remove_branch(transaction: Transaction, row: sqlite3.Row) -> None:
    """Take a branch and its computes away."""
    transaction.update("branches", row["id"], deleted_at=transaction.now)
    transaction.execute(
        "UPDATE endpoints SET deleted_at = ? WHERE project_id = ? AND branch_id = ? AND deleted_at IS NULL",
        *(transaction.now, row["project_id"], row["id"]),
    )


def delete_at_once(transaction: Transaction, row: sqlite3.Row) -> None:
    """Delete a branch for good (Neon: hard_delete)."""
    remove_branch(transaction, row)
    transaction.execute("DELETE FROM branches WHERE id = ?", row["id"])
    for table in ("histories", "backup_schedules"):
        transaction.execute(f"DELETE FROM {table} WHERE branch_id = ?", row["id"])  # noqa: S608
    roles_and_databases.remove_roles_and_databases(transaction, row["id"])


def recover(transaction: Transaction, row: sqlite3.Row) -> None:
    """Bring a deleted or expired branch back with its computes, which are idle; it no longer expires (Neon)."""
    change_branch(transaction, row, {"expires_at": None})
    transaction.update("branches", row["id"], deleted_at=None)
    transaction.execute(
        "UPDATE endpoints SET deleted_at = NULL, active_until = min(active_until, ?1) "
        "WHERE project_id = ?2 AND branch_id = ?3 AND deleted_at IS ?4",
        *(transaction.now, row["project_id"], row["id"], row["deleted_at"]),
    )


def size_bytes(row: sqlite3.Row) -> int:
    """The logical size of a branch."""
    size: int = body_of(row)["logical_size"]
    return size


def find_branch(store: Reading, project_id: str, branch_id: str, now: float) -> sqlite3.Row | None:
    """One branch of a project."""
    query = f"SELECT * FROM branches WHERE id = ? AND project_id = ? AND {_LIVE}"  # noqa: S608
    return store.row(query, branch_id, project_id, now)


def branches(store: Reading, project_id: str, now: float) -> list[sqlite3.Row]:
    """All branches of a project, the oldest first."""
    query = f"SELECT * FROM branches WHERE project_id = ? AND {_LIVE} ORDER BY created_at, id"  # noqa: S608
    return store.rows(query, project_id, now)


def deleted_branches(store: Reading, project_id: str, now: float) -> list[sqlite3.Row]:
    """Branches of a project that were deleted, or expired, in the last seven days."""
    query = (
        "SELECT * FROM branches WHERE project_id = ? AND coalesce(deleted_at, expires_at) BETWEEN ? AND ? "
        "ORDER BY created_at, id"
    )
    return store.rows(query, project_id, now - RECOVERY_SECONDS, now)


def count_protected(store: Reading, project_id: str, now: float, *, org_id: str | None = None) -> int:
    """Protected branches of a project; with ``org_id``, of all live projects of the organization."""
    projects = "project_id = ?" if org_id is None else "project_id IN (SELECT id FROM projects WHERE org_id = ?)"
    query = f"SELECT count(*) FROM branches WHERE protected AND {projects} AND {_LIVE}"  # noqa: S608
    count: int = store.value(query, project_id if org_id is None else org_id, now)
    return count


def count_deleted_branches(store: Reading, project_id: str, since: float) -> int:
    """Branches of a project that somebody deleted after that moment."""
    query = "SELECT count(*) FROM branches WHERE project_id = ? AND deleted_at > ?"
    count: int = store.value(query, project_id, since)
    return count


def describe_deleted(row: sqlite3.Row, now: float) -> Document:
    """A deleted branch as the list shows it to who asks for those, too."""
    moment = row["expires_at"] if row["deleted_at"] is None else row["deleted_at"]
    recovery = {
        "deleted_at": timestamp(moment),
        "recoverable_until": timestamp(moment + RECOVERY_SECONDS),
        "deletion_method": "ttl" if row["deleted_at"] is None else "user",
    }
    return {**describe_branch(row, now), "recovery": recovery}


def default_branch(store: Reading, project_id: str) -> sqlite3.Row:
    """The default branch of a project: there always is one."""
    query = "SELECT * FROM branches WHERE project_id = ? AND is_default AND deleted_at IS NULL"
    return store.rows(query, project_id)[0]


def begins_project(store: Reading, row: sqlite3.Row) -> bool:
    """Whether a branch is the first one of its project, and no restore of a snapshot has replaced it."""
    first = store.value("SELECT id FROM branches WHERE project_id = ? ORDER BY rowid LIMIT 1", row["project_id"])
    replacing = store.row(
        "SELECT 1 FROM branches WHERE project_id = ? AND body ->> '$.restored_as' = ? "
        "AND body ->> '$.restore_status' = 'finalized'",
        *(row["project_id"], row["id"]),
    )
    return row["id"] == first and replacing is None


def check_name_free(rows: list[sqlite3.Row], name: str | None) -> None:
    """Refuse a name that another branch of the project has."""
    if name is not None and any(row["name"] == name for row in rows):
        raise Refusal(409, "branch already exists")
