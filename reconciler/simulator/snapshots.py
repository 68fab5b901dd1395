"""Snapshots: taken, listed, renamed, deleted. One whose expiry has passed is no longer there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.simulator import branches, ids, roles_and_databases, shapes
from reconciler.simulator.store import Reading, body_of, encoded

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

MEASURED_SECONDS: Final = 60.0
"""How long it takes until the size of a snapshot is known."""

_LIVE: Final = "(expires_at IS NULL OR expires_at > ?)"


def store_snapshot(
    transaction: Transaction,
    branch: sqlite3.Row,
    *,
    name: str | None = None,
    point: float | None = None,
    expires_at: float | None = None,
    manual: bool = True,
) -> Document:
    """Store a snapshot of a branch as it was at ``point``; None is now."""
    now, snapshot_id = transaction.now, ids.snapshot_id(transaction.number())
    body = shapes.snapshot(
        snapshot_id=snapshot_id,
        name=name,
        branch=body_of(branch),
        point=now if point is None else point,
        expires_at=expires_at,
        manual=manual,
        now=now,
    )
    keep(transaction, snapshot_columns(body, branch, created_at=now, expires_at=expires_at), point=point)
    return body


def snapshot_columns(
    body: Document, branch: sqlite3.Row, *, created_at: float, expires_at: float | None
) -> Document:
    """The row of a snapshot."""
    return {
        "id": body["id"],
        "project_id": branch["project_id"],
        "manual": body["manual"],
        "created_at": created_at,
        "expires_at": expires_at,
        "size_bytes": branches.size_bytes(branch),
        "body": encoded(body),
    }


def keep(transaction: Transaction, row: Document, *, point: float | None) -> None:
    """Store the row of a snapshot, with its branch's roles, databases, and data at ``point``; None is now."""
    transaction.insert("snapshots", **row)
    branch_id = body_of(row)["source_branch_id"]
    roles_and_databases.inherit(transaction, branch_id, row["id"])
    transaction.data.copy(transaction, branch_id, row["id"], point=point)


def describe_snapshot(row: sqlite3.Row | Document, now: float) -> Document:
    """A snapshot as it is now."""
    body: Document = body_of(row)
    return body if now < row["created_at"] + MEASURED_SECONDS else {**body, "full_size": row["size_bytes"]}


def rename(transaction: Transaction, row: sqlite3.Row, name: str) -> Document:
    """Give a snapshot another name; names are not unique (Neon)."""
    body = {**body_of(row), "name": name}
    transaction.update("snapshots", row["id"], body=body)
    return body


def remove_snapshot(transaction: Transaction, row: sqlite3.Row) -> None:
    """Take a snapshot away for good: Neon recovers none."""
    transaction.execute("DELETE FROM snapshots WHERE id = ?", row["id"])
    if row["manual"]:
        transaction.insert("deleted_snapshots", project_id=row["project_id"], deleted_at=transaction.now)
    roles_and_databases.remove_roles_and_databases(transaction, row["id"])


def find_snapshot(store: Reading, project_id: str, snapshot_id: str, now: float) -> sqlite3.Row | None:
    """One snapshot of a project."""
    query = f"SELECT * FROM snapshots WHERE id = ? AND project_id = ? AND {_LIVE}"  # noqa: S608
    return store.row(query, snapshot_id, project_id, now)


def snapshots(store: Reading, project_id: str, now: float) -> list[sqlite3.Row]:
    """All snapshots of a project, the newest first."""
    query = f"SELECT * FROM snapshots WHERE project_id = ? AND {_LIVE} ORDER BY created_at DESC, id"  # noqa: S608
    return store.rows(query, project_id, now)


def count_manual(store: Reading, project_id: str, now: float) -> int:
    """Snapshots of a project that count against the limit: those that no schedule made (Neon: plans)."""
    return sum(row["manual"] for row in snapshots(store, project_id, now))


def count_deleted_snapshots(store: Reading, project_id: str, since: float) -> int:
    """Manual snapshots of a project that were deleted after that moment."""
    query = "SELECT count(*) FROM deleted_snapshots WHERE project_id = ? AND deleted_at > ?"
    count: int = store.value(query, project_id, since)
    return count
