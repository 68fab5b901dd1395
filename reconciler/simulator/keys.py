"""Access: API keys, which open an account, and permissions, which an email address has for one project."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from reconciler.simulator import ids, user
from reconciler.simulator.clock import timestamp
from reconciler.simulator.refusal import Refusal

if TYPE_CHECKING:
    import sqlite3

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Reading, Transaction
    from reconciler.simulator.world import World

USE_NOTED_SECONDS: Final = 60.0
"""How long one recorded use also counts for later ones, so that few reads write."""


class KeyKind(Enum):
    """Neon's three kinds of API keys."""

    PERSONAL = "personal"
    ORGANIZATION = "organization"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Key:
    """What a key opens: everything, one organization, or one project of it."""

    kind: KeyKind
    org_id: str | None = None
    project_id: str | None = None

    def opens(self, org_id: str, project_id: str | None = None) -> bool:
        """Whether the key may see that organization, or that project of it."""
        if self.kind is KeyKind.PERSONAL:
            return True
        if self.kind is KeyKind.ORGANIZATION:
            return self.org_id == org_id
        return self.org_id == org_id and project_id is not None and self.project_id == project_id


def give(transaction: Transaction, token: str, key: Key, name: str) -> None:
    """Store a key that every simulator has: its token is no secret, and it cannot be revoked."""
    transaction.execute(
        "INSERT OR IGNORE INTO keys (token, kind, org_id, project_id, name, fixed, created_at) "
        "VALUES (?, ?, ?, ?, ?, 1, ?)",
        *(token, key.kind.value, key.org_id, key.project_id, name, transaction.now),
    )


def store_key(transaction: Transaction, key: Key, name: str) -> Document:
    """Store a new key; the answer alone holds its token."""
    token = ids.api_key(transaction.number())
    transaction.insert(
        "keys",
        token=token,
        kind=key.kind.value,
        org_id=key.org_id,
        project_id=key.project_id,
        name=name,
        fixed=False,
        created_at=transaction.now,
    )
    row = transaction.rows("SELECT * FROM keys WHERE token = ?", token)[0]
    return {**_described_permission(row), "key": token, "created_by": user.ID}


def used(world: World, token: str, address: str) -> Key | None:
    """What a key opens, its use noted; None for an unknown key."""
    row = world.store.row("SELECT * FROM keys WHERE token = ?", token)
    if row is None:
        return None
    last = row["last_used_at"]
    if last is None or world.clock.now() - last >= USE_NOTED_SECONDS:
        with world.writing() as transaction:
            transaction.update("keys", row["id"], last_used_at=transaction.now, last_used_from=address)
    return Key(KeyKind(row["kind"]), row["org_id"], row["project_id"])


def personal_keys(store: Reading) -> list[sqlite3.Row]:
    """The keys of the user, the oldest first."""
    return store.rows("SELECT * FROM keys WHERE org_id IS NULL ORDER BY id")


def organization_keys(store: Reading, org_id: str) -> list[sqlite3.Row]:
    """The keys of an organization and of single projects of it, the oldest first."""
    return store.rows("SELECT * FROM keys WHERE org_id = ? ORDER BY id", org_id)


def describe_key(row: sqlite3.Row) -> Document:
    """A key as lists show it: without its token."""
    return {**_described_permission(row), **_use(row), "created_by": user.creator()}


def revoke(transaction: Transaction, row: sqlite3.Row) -> Document:
    """Take a key away for good; the answer describes it."""
    if row["fixed"]:
        raise Refusal(403, "this API key comes with the simulator and cannot be revoked")
    transaction.execute("DELETE FROM keys WHERE id = ?", row["id"])
    return {**_described_permission(row), **_use(row), "created_by": user.ID, "revoked": True}


def _described_permission(row: sqlite3.Row) -> Document:
    scope = {} if row["project_id"] is None else {"project_id": row["project_id"]}
    return {"id": row["id"], "name": row["name"], "created_at": timestamp(row["created_at"]), **scope}


def _use(row: sqlite3.Row) -> Document:
    last = row["last_used_at"]
    return {
        "last_used_at": None if last is None else timestamp(last),
        "last_used_from_addr": row["last_used_from"],
    }


def store_permission(transaction: Transaction, project_id: str, email: str) -> Document:
    """Store a permission."""
    permission_id, now = ids.permission_id(transaction.number()), transaction.now
    transaction.insert("permissions", id=permission_id, project_id=project_id, email=email, granted_at=now)
    return _permission(permission_id, email, now)


def remove_permission(transaction: Transaction, row: sqlite3.Row) -> Document:
    """Take a permission away."""
    transaction.execute("DELETE FROM permissions WHERE id = ?", row["id"])
    return {**describe_permission(row), "revoked_at": timestamp(transaction.now)}


def describe_permission(row: sqlite3.Row) -> Document:
    """A permission that holds."""
    return _permission(row["id"], row["email"], row["granted_at"])


def _permission(permission_id: str, email: str, granted_at: float) -> Document:
    return {"id": permission_id, "granted_to_email": email, "granted_at": timestamp(granted_at)}


def permissions(store: Reading, project_id: str) -> list[sqlite3.Row]:
    """The permissions of a project, the oldest first."""
    return store.rows("SELECT * FROM permissions WHERE project_id = ? ORDER BY granted_at, id", project_id)
