"""Who beside the members of its organization may see a project: granted by email address, and revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator import ids
from reconciler.simulator.clock import timestamp

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Reading, Transaction


def grant(transaction: Transaction, project_id: str, email: str) -> Document:
    """Store a permission."""
    permission_id, now = ids.permission_id(transaction.number()), transaction.now
    transaction.insert("permissions", id=permission_id, project_id=project_id, email=email, granted_at=now)
    return _document(permission_id, email, now)


def revoke(transaction: Transaction, row: sqlite3.Row) -> Document:
    """Take a permission away."""
    transaction.execute("DELETE FROM permissions WHERE id = ?", row["id"])
    return {**describe(row), "revoked_at": timestamp(transaction.now)}


def describe(row: sqlite3.Row) -> Document:
    """A permission that holds."""
    return _document(row["id"], row["email"], row["granted_at"])


def _document(permission_id: str, email: str, granted_at: float) -> Document:
    return {"id": permission_id, "granted_to_email": email, "granted_at": timestamp(granted_at)}


def permissions(store: Reading, project_id: str) -> list[sqlite3.Row]:
    """The permissions of a project, the oldest first."""
    return store.rows("SELECT * FROM permissions WHERE project_id = ? ORDER BY granted_at, id", project_id)
