"""Restores: a branch made of a snapshot, one put in the place of another, one set back to an earlier state."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from reconciler.simulator import branches, endpoints, restore_points, roles_and_databases, shapes
from reconciler.simulator.clock import timestamp
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

RESTORED_OVER: Final = "(old)"
"""How the name of a branch ends that a restore has replaced (Neon: guides/backup-restore)."""

_OF_A_SNAPSHOT: Final = ("restore_status", "restored_from", "restored_as")


@dataclass(frozen=True, slots=True)
class Source:
    """The snapshot that a branch is made of."""

    snapshot_id: str
    size_bytes: int

    @classmethod
    def of(cls, snapshot: sqlite3.Row) -> Self:
        """A stored snapshot as a source."""
        return cls(snapshot["id"], snapshot["size_bytes"])


def make(transaction: Transaction, target: sqlite3.Row, source: Source, *, name: str | None) -> sqlite3.Row:
    """Make a root branch of a snapshot, beside the branch that it may replace later."""
    made = branches.store_branch(
        transaction,
        project_id=target["project_id"],
        name=name,
        default=False,
        storage_bytes=source.size_bytes,
        origin={
            "restore_status": "restored",
            "restored_from": source.snapshot_id,
            "restored_as": target["id"],
        },
    )
    known = transaction.row("SELECT 1 FROM roles WHERE branch_id = ?", source.snapshot_id) is not None
    roles_and_databases.inherit(transaction, source.snapshot_id if known else target["id"], made["id"])
    transaction.data.copy(transaction, source.snapshot_id, made["id"])
    return existing_branch(transaction, made["id"])


def replace(
    transaction: Transaction,
    restored: sqlite3.Row,
    target: sqlite3.Row,
    *,
    old_name: str,
    keeps_annotations: bool,
) -> None:
    """Put a branch made of a snapshot in the place of another.

    It takes over name, default flag, protection and computes. The other one stays under ``old_name``, with
    its annotations, its children and the snapshots taken of it.
    """
    branches.change_branch(transaction, target, {"name": old_name, "default": False, "protected": False})
    changes = {
        "name": target["name"],
        "default": bool(target["is_default"] or restored["is_default"]),
        "protected": bool(target["protected"] or restored["protected"]),
        "restore_status": "finalized",
    }
    branches.change_branch(transaction, restored, changes)
    if keeps_annotations and target["annotations"] is not None:
        _copy_annotation(transaction, target, restored["id"])
    _hand_computes_over(transaction, target, restored)


def _copy_annotation(transaction: Transaction, target: sqlite3.Row, branch_id: str) -> None:
    value = branches.annotation_of(target)["value"]
    copied = shapes.annotation(branch_id, value, transaction.now)
    transaction.update("branches", branch_id, annotations=copied)


def _hand_computes_over(transaction: Transaction, target: sqlite3.Row, restored: sqlite3.Row) -> None:
    """A branch has one compute that writes: the one of a preview makes room for the one that comes."""
    moved = endpoints.endpoints_of_branch(transaction, target["project_id"], target["id"])
    if any(compute["type"] == "read_write" for compute in moved):
        transaction.execute(
            "UPDATE endpoints SET deleted_at = ? "
            "WHERE branch_id = ? AND type = 'read_write' AND deleted_at IS NULL",
            *(transaction.now, restored["id"]),
        )
    for compute in moved:
        body = msgspec.json.encode({**body_of(compute), "branch_id": restored["id"]})
        transaction.update("endpoints", compute["id"], branch_id=restored["id"], body=body.decode())


def replaced_name(name: str, taken: set[str]) -> str:
    """A name for a replaced branch; what Neon calls the second one is not documented."""
    numbered = (f"{name} {number} {RESTORED_OVER}" for number in count(2))
    return next(each for each in chain([f"{name} {RESTORED_OVER}"], numbered) if each not in taken)


def preserve(transaction: Transaction, row: sqlite3.Row, name: str) -> str:
    """Keep the present state of a branch as another one, which takes over its children and its history."""
    body: Document = body_of(row)
    origin = ("parent_id", "parent_lsn", "parent_timestamp", "init_source", *_OF_A_SNAPSHOT)
    made = branches.store_branch(
        transaction,
        project_id=row["project_id"],
        name=name,
        default=False,
        storage_bytes=body["logical_size"],
        origin={member: body[member] for member in origin if member in body},
    )
    preserved_id: str = made["id"]
    roles_and_databases.inherit(transaction, row["id"], preserved_id)
    transaction.data.share(transaction, row["id"], preserved_id)
    restore_points.begin(transaction, preserved_id, restore_points.since(transaction, row))
    transaction.execute(
        "UPDATE branches SET parent_id = ?1, body = json_set(body, '$.parent_id', ?1) "
        "WHERE project_id = ?2 AND parent_id = ?3",
        *(preserved_id, row["project_id"], row["id"]),
    )
    return preserved_id


def reset(
    transaction: Transaction,
    row: sqlite3.Row,
    source: sqlite3.Row,
    parent: Mapping[str, Any],
    *,
    point: float | None,
) -> None:
    """Give a branch the state of another at ``point``, or of its own past; None is now.

    ``parent`` says what it is a child of then. Id, name, computes and annotations stay. Where the source is the
    parent, a branch that expires has its whole time again (Neon: ttl_interval_seconds).
    """
    now, body = transaction.now, body_of(row)
    changes = {
        **dict.fromkeys(_OF_A_SNAPSHOT),
        **parent,
        "logical_size": branches.size_bytes(source),
        "last_reset_at": timestamp(now),
        "state_changed_at": timestamp(now),
    }
    if source["id"] == row["parent_id"] and "ttl_interval_seconds" in body:
        changes["expires_at"] = timestamp(now + body["ttl_interval_seconds"])
    branches.change_branch(transaction, row, changes)
    restore_points.begin(transaction, row["id"], now)
    transaction.data.copy(transaction, source["id"], row["id"], point=point)
    if source["id"] != row["id"]:
        roles_and_databases.remove_roles_and_databases(transaction, row["id"])
        renewed = bool(source["protected"])
        roles_and_databases.inherit(transaction, source["id"], row["id"], new_passwords=renewed)


def existing_branch(store: Reading, branch_id: str) -> sqlite3.Row:
    """A branch that is known to be there."""
    return store.rows("SELECT * FROM branches WHERE id = ?", branch_id)[0]
