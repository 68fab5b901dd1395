"""The roles and databases of a branch: their names, owners and passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator import ids, shapes
from reconciler.simulator.clock import timestamp
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.store import Reading, body_of, encoded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

RESERVED_ROLES: Final = frozenset({"neon_superuser", "cloud_admin", "zenith_admin", "public", "none"})
RESERVED_ROLE_PREFIX: Final = "pg_"
RESERVED_DATABASES: Final = frozenset({"postgres", "template0", "template1"})
LONGEST_NAME_BYTES: Final = 63
"""PostgreSQL cuts longer identifiers off; Neon refuses them (manage/roles)."""


def store_role(transaction: Transaction, branch_id: str, name: str, *, login: bool = True) -> Document:
    """Store a role; the answer holds its password, unless it is one that cannot log in."""
    password = ids.password(transaction.number()) if login else ""
    body = shapes.role(branch_id, name, transaction.now, login=login)
    transaction.insert("roles", branch_id=branch_id, name=name, password=password, body=body)
    transaction.data.configure(transaction, branch_id)
    return {**body, "password": password} if login else body


def store_database(transaction: Transaction, branch_id: str, name: str, owner: str) -> Document:
    """Store a database."""
    body = shapes.database(transaction.number(), branch_id, name, owner, transaction.now)
    transaction.insert("databases", branch_id=branch_id, name=name, body=body)
    transaction.data.configure(transaction, branch_id)
    return body


def replace_password(transaction: Transaction, row: sqlite3.Row) -> Document:
    """Give a role another password, which the answer holds."""
    password = ids.password(transaction.number())
    body = {**describe_role_or_database(row), "updated_at": timestamp(transaction.now)}
    transaction.execute(
        "UPDATE roles SET password = ?, body = ? WHERE branch_id = ? AND name = ?",
        *(password, encoded(body), row["branch_id"], row["name"]),
    )
    transaction.data.configure(transaction, row["branch_id"])
    return {**body, "password": password}


def change_database(transaction: Transaction, row: sqlite3.Row, changes: Mapping[str, Any]) -> Document:
    """Store another name or owner of a database."""
    body = {**describe_role_or_database(row), **changes, "updated_at": timestamp(transaction.now)}
    transaction.execute(
        "UPDATE databases SET name = ?, body = ? WHERE branch_id = ? AND name = ?",
        *(body["name"], encoded(body), row["branch_id"], row["name"]),
    )
    if body["name"] != row["name"]:
        transaction.data.rename_database(transaction, row["branch_id"], row["name"], body["name"])
    transaction.data.configure(transaction, row["branch_id"])
    return body


def remove_role(transaction: Transaction, row: sqlite3.Row) -> None:
    """Take a role away."""
    transaction.execute("DELETE FROM roles WHERE branch_id = ? AND name = ?", row["branch_id"], row["name"])
    transaction.data.delete_role(transaction, row["branch_id"], row["name"])


def remove_database(transaction: Transaction, row: sqlite3.Row) -> None:
    """Take a database away."""
    transaction.execute("DELETE FROM databases WHERE branch_id = ? AND name = ?", row["branch_id"], row["name"])
    transaction.data.delete_database(transaction, row["branch_id"], row["name"])


def find_role(store: Reading, branch_id: str, name: str) -> sqlite3.Row | None:
    """One role of a branch."""
    return store.row("SELECT * FROM roles WHERE branch_id = ? AND name = ?", branch_id, name)


def find_database(store: Reading, branch_id: str, name: str) -> sqlite3.Row | None:
    """One database of a branch."""
    return store.row("SELECT * FROM databases WHERE branch_id = ? AND name = ?", branch_id, name)


def roles(store: Reading, branch_id: str) -> list[sqlite3.Row]:
    """The roles of a branch, by name."""
    return store.rows("SELECT * FROM roles WHERE branch_id = ? ORDER BY name", branch_id)


def databases(store: Reading, branch_id: str) -> list[sqlite3.Row]:
    """The databases of a branch, by name."""
    return store.rows("SELECT * FROM databases WHERE branch_id = ? ORDER BY name", branch_id)


def describe_role_or_database(row: sqlite3.Row) -> Document:
    """A role, without its password; or a database."""
    return body_of(row)


def inherit(transaction: Transaction, parent_id: str, branch_id: str, *, new_passwords: bool = False) -> None:
    """Give a new branch its parent's roles and databases, passwords included unless it is to have new ones."""
    for table in ("roles", "databases"):
        for row in transaction.rows(f"SELECT * FROM {table} WHERE branch_id = ?", parent_id):  # noqa: S608
            columns = {**dict(row), "branch_id": branch_id}
            columns["body"] = {**describe_role_or_database(row), "branch_id": branch_id}
            if new_passwords and columns.get("password"):
                columns["password"] = ids.password(transaction.number())
            transaction.insert(table, **columns)


def remove_roles_and_databases(transaction: Transaction, branch_id: str) -> None:
    """Take the roles and databases of a branch away."""
    for table in ("roles", "databases"):
        transaction.execute(f"DELETE FROM {table} WHERE branch_id = ?", branch_id)  # noqa: S608


def known_passwords(rows: Iterable[sqlite3.Row], project: sqlite3.Row) -> dict[str, str]:
    """The passwords that a project stores, by role; a role that cannot log in has none."""
    return {row["name"]: row["password"] for row in rows if row["password"] and _stores_passwords(project)}


def revealed_password(row: sqlite3.Row, project: sqlite3.Row) -> str:
    """The password of a role, where it has one that its project stores (Neon: 412)."""
    if not _stores_passwords(project):
        raise Refusal(412, "storing passwords is disabled for this project")
    check_login(row)
    password: str = row["password"]
    return password


def _stores_passwords(project: sqlite3.Row) -> bool:
    stores: bool = body_of(project)["store_passwords"]
    return stores


def check_login(row: sqlite3.Row) -> None:
    """Refuse to speak of the password of a role that cannot log in. The status is a guess by analogy."""
    if not row["password"]:
        raise Refusal(412, f"role {row['name']!r} cannot log in and has no password")


def check_role_name(name: str) -> None:
    """Refuse a name that no role can have (Neon: manage/roles)."""
    _check_length("role", name)
    if name in RESERVED_ROLES or name.startswith(RESERVED_ROLE_PREFIX):
        raise Refusal(400, f"role name {name!r} is reserved")


def check_database_name(name: str) -> None:
    """Refuse a name that no database can have (Neon: manage/databases)."""
    _check_length("database", name)
    if name in RESERVED_DATABASES:
        raise Refusal(400, f"database name {name!r} is reserved")


def _check_length(what: str, name: str) -> None:
    if not 0 < len(name.encode()) <= LONGEST_NAME_BYTES:
        raise Refusal(400, f"a {what} name has 1 to {LONGEST_NAME_BYTES} bytes")


def check_owns_nothing(store: Reading, row: sqlite3.Row) -> None:
    """Refuse to part a role from its databases (Neon: manage/roles)."""
    owned = [each["name"] for each in databases(store, row["branch_id"]) if _owner(each) == row["name"]]
    if owned:
        raise Refusal(422, f"role {row['name']!r} owns databases, delete them first: {', '.join(owned)}")


def _owner(row: sqlite3.Row) -> str:
    owner: str = describe_role_or_database(row)["owner_name"]
    return owner
