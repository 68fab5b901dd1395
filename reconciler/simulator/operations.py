"""Asynchronous operations: rows that hold when they start and end; their state follows from the time.

While any operation of a project runs, its other writes are refused with 423 (Neon: manage/operations).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator import ids
from reconciler.simulator.clock import timestamp
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.store import Transaction

SHORTEST_SECONDS: Final = 0.3
LONGEST_SECONDS: Final = 0.8
SCHEDULING_SHARE: Final = 0.2
"""The part of its time that an operation spends waiting to run."""

MAINTENANCE_SECONDS: Final = 5.0
"""How long Neon's own work on a project takes."""

LOCKED: Final = "project already has running conflicting operations, scheduling of new ones is prohibited"


@dataclass(frozen=True, slots=True)
class Fate:
    """How the operations of a call end."""

    ends: bool = True
    fails: bool = False
    recovers_after: float | None = None
    """Seconds after which a failed one has been tried again, and has finished; None if none is tried."""


FINISH: Final = Fate()


@dataclass(frozen=True, slots=True)
class Work:
    """One operation that a call starts."""

    action: str
    branch_id: str | None = None
    endpoint_id: str | None = None


def start(
    transaction: Transaction, project_id: str, works: Iterable[Work], fate: Fate = FINISH
) -> list[dict[str, Any]]:
    """Store operations of a project; the answer describes them as they are now."""
    return [_start(transaction, project_id, work, fate) for work in works]


def _start(transaction: Transaction, project_id: str, work: Work, fate: Fate) -> dict[str, Any]:
    number, now = transaction.number(), transaction.now
    operation_id = ids.operation_id(number)
    seconds = _duration_seconds(operation_id)
    body = {"id": operation_id, "project_id": project_id, "action": work.action, "created_at": timestamp(now)}
    if work.branch_id is not None:
        body["branch_id"] = work.branch_id
    if work.endpoint_id is not None:
        body["endpoint_id"] = work.endpoint_id
    transaction.insert(
        "operations",
        id=operation_id,
        number=number,
        project_id=project_id,
        created_at=now,
        starts_at=now + seconds * SCHEDULING_SHARE,
        ends_at=now + seconds if fate.ends else None,
        failed=fate.fails,
        recovers_at=None if fate.recovers_after is None else now + seconds + fate.recovers_after,
        body=body,
    )
    unstarted = {"status": "scheduling", "failures_count": 0, "updated_at": timestamp(now), "total_duration_ms": 0}
    return {**body, **unstarted}


def _duration_seconds(operation_id: str) -> float:
    part = blake2b(operation_id.encode(), digest_size=2).digest()
    return SHORTEST_SECONDS + (LONGEST_SECONDS - SHORTEST_SECONDS) * int.from_bytes(part, "big") / 0xFFFF


def check_unlocked(store: Reading, project: sqlite3.Row, now: float, behaviour: Behaviour) -> None:
    """Refuse a write to a project on which operations still run (423: nothing was carried out)."""
    every_seconds = behaviour.background_work_every_seconds
    if busy(store, project["id"], now) or maintained(project["id"], project["created_at"], now, every_seconds):
        raise Refusal(423, LOCKED)


def busy(store: Reading, project_id: str, now: float) -> bool:
    """Whether any operation of the project has not ended, or is to be tried again."""
    query = (
        "SELECT 1 FROM operations WHERE project_id = ?1 "
        "AND (ends_at IS NULL OR ends_at > ?2 OR recovers_at > ?2) LIMIT 1"
    )
    return store.row(query, project_id, now) is not None


def maintained(project_id: str, created_at: float, now: float, every_seconds: float | None) -> bool:
    """Whether Neon itself works on a project, as it does now and then (Neon: check_availability).

    Counted from the project's creation: what meets it does not depend on the time of the day.
    """
    if every_seconds is None:
        return False
    part = int.from_bytes(blake2b(project_id.encode(), digest_size=4).digest(), "big") / 2**32
    return (now - created_at + part * every_seconds) % every_seconds < MAINTENANCE_SECONDS


def operation(store: Reading, project_id: str, operation_id: str, now: float) -> dict[str, Any] | None:
    """One operation of a project as it is now."""
    row = store.row("SELECT * FROM operations WHERE id = ? AND project_id = ?", operation_id, project_id)
    return None if row is None else _describe(row, now)


def operations(
    store: Reading, project_id: str, now: float, *, before: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of a project's operations, newest first, and the number that the next page comes before."""
    rows = store.rows(
        "SELECT * FROM operations WHERE project_id = ? AND number < ? ORDER BY number DESC LIMIT ?",
        *(project_id, before or 2**62, limit),
    )
    return [_describe(row, now) for row in rows], rows[-1]["number"] if rows else None


def _describe(row: sqlite3.Row, now: float) -> dict[str, Any]:
    body: dict[str, Any] = body_of(row)
    status, since = _state(row, now)
    body["status"] = status
    body["failures_count"] = int(bool(row["failed"]) and status in {"failed", "finished"})
    if status == "failed":
        body["error"] = "the operation failed"
        if row["recovers_at"] is not None:
            body["retry_at"] = timestamp(row["recovers_at"])
    body["updated_at"] = timestamp(since)
    body["total_duration_ms"] = round((min(now, row["ends_at"] or now) - row["created_at"]) * 1000)
    return body


def _state(row: sqlite3.Row, now: float) -> tuple[str, float]:
    if now < row["starts_at"]:
        return "scheduling", row["created_at"]
    if row["ends_at"] is None or now < row["ends_at"]:
        return "running", row["starts_at"]
    if row["recovers_at"] is not None and row["recovers_at"] <= now:
        return "finished", row["recovers_at"]
    return "failed" if row["failed"] else "finished", row["ends_at"]
