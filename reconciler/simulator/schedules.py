"""Backup schedules of branches, and the snapshots that follow from them as time passes.

What a schedule has taken is a function of its row, its branch and the time: lists show it, and the next
write that depends on it stores it with the same ids (``catch_up``).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.simulator import ids, shapes, snapshots
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction


def schedule(store: Reading, branch_id: str) -> list[Document]:
    """The items of a branch's schedule."""
    body = store.value("SELECT body FROM backup_schedules WHERE branch_id = ?", branch_id)
    items: list[Document] = msgspec.json.decode(body or "[]")
    return items


def put(
    transaction: Transaction, branch: sqlite3.Row, items: Sequence[Document], retention_seconds: int | None
) -> None:
    """Give a branch another schedule from now on; one without items is none.

    ``retention_seconds`` is for items that name none; None is for ever.
    """
    remove_schedule(transaction, branch["id"])
    if items:
        transaction.insert(
            "backup_schedules",
            branch_id=branch["id"],
            project_id=branch["project_id"],
            since=transaction.now,
            retention_seconds=retention_seconds,
            body=items,
        )


def remove_schedule(transaction: Transaction, branch_id: str) -> None:
    """Take the schedule of a branch away."""
    transaction.execute("DELETE FROM backup_schedules WHERE branch_id = ?", branch_id)


def pending(store: Reading, project_id: str, now: float) -> list[Document]:
    """The rows of the snapshots that schedules have taken and not stored; those that expired are left out.

    Only root branches have snapshots, and none that is gone takes another.
    """
    found = store.rows(
        "SELECT branches.*, since, retention_seconds, backup_schedules.body AS schedule FROM backup_schedules "
        "JOIN branches ON branches.id = backup_schedules.branch_id "
        "WHERE backup_schedules.project_id = ? AND branches.parent_id IS NULL ORDER BY branches.id",
        project_id,
    )
    return [taken for row in found for taken in _taken(row, now)]


def _taken(row: sqlite3.Row, now: float) -> Iterator[Document]:
    until = min(moment for moment in (now, row["deleted_at"], row["expires_at"]) if moment is not None)
    for number, item in enumerate(msgspec.json.decode(row["schedule"])):
        kept_seconds = item.get("retention_seconds", row["retention_seconds"])
        after = row["since"] if kept_seconds is None else max(row["since"], now - kept_seconds)
        for moment in due(item, after, until):
            expires_at = None if kept_seconds is None else moment + kept_seconds
            yield _scheduled_snapshot(row, number, moment, expires_at)


def _scheduled_snapshot(branch: sqlite3.Row, number: int, moment: float, expires_at: float | None) -> Document:
    body = shapes.snapshot(
        snapshot_id=ids.scheduled_snapshot_id(branch["id"], number, moment),
        name=None,
        branch=body_of(branch),
        point=moment,
        expires_at=expires_at,
        manual=False,
        now=moment,
    )
    return snapshots.snapshot_columns(body, branch, created_at=moment, expires_at=expires_at)


def due(item: Mapping[str, Any], after: float, until: float) -> Iterator[float]:
    """The moments after ``after``, and up to ``until``, at which an item takes a snapshot.

    Days and hours are of UTC. What Neon takes for a member that is left out is not documented: midnight,
    Monday, the first of the month.
    """
    day = datetime.fromtimestamp(after, UTC).replace(hour=item.get("hour", 0), minute=0, second=0, microsecond=0)
    while (moment := day.timestamp()) <= until:
        if moment > after and _falls_on(item, day):
            yield moment
        day += timedelta(days=1)


def _falls_on(item: Mapping[str, Any], day: datetime) -> bool:
    wanted: int = item.get("day", 1)
    if item["frequency"] == "weekly":
        return day.isoweekday() == wanted
    if item["frequency"] == "monthly":
        return day.day == min(wanted, monthrange(day.year, day.month)[1])
    return True


def catch_up(transaction: Transaction, project_id: str) -> None:
    """Store what the schedules of a project have taken until now, before something changes that it rests on."""
    for row in pending(transaction, project_id, transaction.now):
        snapshots.keep(transaction, row, point=row["created_at"])
    resume(transaction, project_id)


def resume(transaction: Transaction, project_id: str) -> None:
    """Let the schedules of a project go on from now: they have taken nothing that is not stored."""
    transaction.execute("UPDATE backup_schedules SET since = ? WHERE project_id = ?", transaction.now, project_id)
