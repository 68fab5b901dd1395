"""The meter of each project: read at any time, and stored whenever something is written to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.simulator import branches, endpoints
from reconciler.simulator.clock import timestamp
from reconciler.simulator.metering.usage import (
    MEMBERS,
    NEVER,
    Amounts,
    Meter,
    Piece,
    Run,
    Workload,
    advanced,
    amounts_by_name,
    month_of,
    within,
)
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

CODES: Final = {
    "compute_time_seconds": "COMPUTE_TIME_EXCEEDED",
    "data_transfer_bytes": "DATA_TRANSFER_LIMIT_EXCEEDED",
}
"""Error codes that are known; those of the other quotas are made up like them."""


def stored_meter(store: Reading, row: sqlite3.Row) -> Meter:
    """The meter of a project as it was stored last."""
    body = body_of(row)
    quota = body["settings"].get("quota", {})
    counters = msgspec.json.decode(row["usage"])
    default = branches.default_branch(store, row["id"])
    return Meter(
        at=row["metered_at"],
        used=_amounts(counters),
        branch_id=default["id"],
        logical_size_bytes=branches.size_bytes(default),
        byte_hours=counters["data_storage_bytes_hour"],
        quota=_amounts(quota),
        size_limit_bytes=quota.get("logical_size_bytes", 0),
        workload=_workload(row),
        runs=_runs(store, row),
    )


def _amounts(counters: Mapping[str, float]) -> Amounts:
    return Amounts(*(counters.get(member, 0) for member in MEMBERS))


def _workload(row: sqlite3.Row) -> Workload:
    return Workload() if row["workload"] is None else msgspec.json.decode(row["workload"], type=Workload)


def _runs(store: Reading, row: sqlite3.Row) -> tuple[Run, ...]:
    running = store.rows(
        "SELECT endpoints.branch_id, active_until, expires_at, "
        "json_extract(endpoints.body, '$.autoscaling_limit_min_cu') AS cu "
        "FROM endpoints JOIN branches ON branches.id = endpoints.branch_id "
        "WHERE endpoints.project_id = ? AND endpoints.deleted_at IS NULL AND active_until > ?",
        *(row["id"], row["metered_at"]),
    )
    return tuple(
        Run(each["branch_id"], each["cu"], min(each["active_until"], each["expires_at"] or NEVER))
        for each in running
    )


def read_meter(store: Reading, row: sqlite3.Row, now: float) -> Meter:
    """The meter of a project as it is now."""
    return advanced(stored_meter(store, row), now)[0]


def at_rest(row: sqlite3.Row) -> bool:
    """Whether nothing has been consumed since the meter was stored: the row is current."""
    used = row["workload"] is not None or row["runs_until"] > row["metered_at"]
    return row["deleted_at"] is not None or not used


def shown(store: Reading, row: sqlite3.Row, now: float) -> Document:
    """The members of a project that its meter decides, as GET answers them."""
    before = stored_meter(store, row)
    meter, _ = advanced(before, now)
    start, end = month_of(now)
    return {
        **_counters(meter),
        **_measured(meter, before, body_of(row)),
        "consumption_period_start": timestamp(start),
        "consumption_period_end": timestamp(end),
    }


def _counters(meter: Meter) -> dict[str, int]:
    return {member: int(amount) for member, amount in _exact(meter).items()}


def _measured(meter: Meter, before: Meter, body: Mapping[str, Any]) -> Document:
    """What a list shows, too: size, and when a compute last ran."""
    grown = int(meter.logical_size_bytes) - int(before.logical_size_bytes)
    measured: Document = {"synthetic_storage_size": body["synthetic_storage_size"] + grown}
    if meter.last_active_at is not None:
        measured["compute_last_active_at"] = timestamp(meter.last_active_at)
    return measured


def listed(store: Reading, row: sqlite3.Row, now: float) -> Document:
    """The members of a project that its meter decides, as a list shows them."""
    before = stored_meter(store, row)
    meter, _ = advanced(before, now)
    measured = _measured(meter, before, body_of(row))
    return {**measured, "active_time": int(meter.used.active_time_seconds)}


def pieces(store: Reading, row: sqlite3.Row, until: float) -> list[Piece]:
    """Everything that a project has consumed up to a moment, piece by piece."""
    known = _put_down(store, row, until)
    return known if at_rest(row) else known + advanced(stored_meter(store, row), until)[1]


def _put_down(store: Reading, row: sqlite3.Row, until: float) -> list[Piece]:
    """Those of them that a write has recorded."""
    found = store.rows("SELECT * FROM consumed WHERE project_id = ? AND started_at <= ?", row["id"], until)
    return [Piece(each["branch_id"], each["started_at"], each["ended_at"], Amounts(*each[4:])) for each in found]


def late(store: Reading, row: sqlite3.Row, now: float, lag_seconds: float) -> Document:
    """The counters and the last activity as they are shown so many seconds late; None for no activity."""
    until = now - lag_seconds
    meter, since_then = advanced(stored_meter(store, row), now)
    consumed = _put_down(store, row, now) + ([] if at_rest(row) else since_then)
    used = meter.used
    for piece, share in within(consumed, max(until, month_of(now)[0]), NEVER):
        used = used.plus(piece.amounts, -share)
    counters: Document = {member: max(0, round(amount)) for member, amount in amounts_by_name(used).items()}
    shown = _measured(meter, meter, body_of(row)).get("compute_last_active_at")
    return counters if shown is None else {**counters, **_late_activity(shown, consumed, until)}


def _late_activity(last: str, consumed: Sequence[Piece], until: float) -> Document:
    """The last activity before a moment."""
    active = [piece for piece in consumed if piece.start < until and piece.amounts.active_time_seconds]
    seen = max((timestamp(min(piece.end, until)) for piece in active), default=None)
    return {"compute_last_active_at": last if last <= timestamp(until) else seen}


def suspended_at(store: Reading, row: sqlite3.Row, now: float) -> float | None:
    """When a quota has suspended the computes that the store has as running; None if none has."""
    return None if at_rest(row) else read_meter(store, row, now).stopped_at


def check_may_run(store: Reading, row: sqlite3.Row, now: float) -> None:
    """Refuse to start a compute of a project that has reached a quota (Neon: guides/consumption-limits)."""
    exceeded = read_meter(store, row, now).exceeded
    if exceeded is not None:
        until = timestamp(month_of(now)[1])
        message = f"the {exceeded} quota of the project is exceeded: its computes are suspended until {until}"
        raise Refusal(422, message, code=CODES.get(exceeded, f"{exceeded.upper()}_QUOTA_EXCEEDED"))


def logical_size(store: Reading, row: sqlite3.Row, now: float) -> int | None:
    """How large the default branch of a project has grown; None if the store has it."""
    return None if at_rest(row) else int(read_meter(store, row, now).logical_size_bytes)


def update(transaction: Transaction, project_id: str) -> None:
    """Put the meter of a project down as it is now, with what was consumed since the last time."""
    row = transaction.row("SELECT * FROM projects WHERE id = ? AND deleted_at IS NULL", project_id)
    if row is None:
        return
    before = stored_meter(transaction, row)
    meter, pieces = advanced(before, transaction.now)
    record_consumption(transaction, project_id, pieces)
    columns: Document = {"metered_at": transaction.now, "usage": _exact(meter)}
    if pieces or meter.logical_size_bytes != before.logical_size_bytes:
        body = body_of(row)
        columns["body"] = {**body, **_measured(meter, before, body)}
        branches.resize(
            transaction, branches.default_branch(transaction, project_id), int(meter.logical_size_bytes)
        )
    transaction.update("projects", project_id, **columns)
    if meter.stopped_at is not None:
        endpoints.suspend_all(transaction, project_id, meter.stopped_at)


def enforce(transaction: Transaction, project_id: str) -> None:
    """Suspend what runs although a quota is reached, at the end of a write that began with ``update``."""
    row = transaction.row("SELECT * FROM projects WHERE id = ? AND deleted_at IS NULL", project_id)
    if row is not None and row["runs_until"] > transaction.now and stored_meter(transaction, row).exceeded:
        endpoints.suspend_all(transaction, project_id, transaction.now)


def _exact(meter: Meter) -> Document:
    return {**amounts_by_name(meter.used), "data_storage_bytes_hour": meter.byte_hours}


def record_consumption(transaction: Transaction, project_id: str, pieces: Iterable[Piece]) -> None:
    """Remember what was consumed when, for the consumption history."""
    for piece in pieces:
        transaction.insert(
            "consumed",
            project_id=project_id,
            branch_id=piece.branch_id,
            started_at=piece.start,
            ended_at=piece.end,
            **amounts_by_name(piece.amounts),
        )


def assign(transaction: Transaction, project_id: str, counters: Mapping[str, int]) -> None:
    """Set counters of the present month; a larger one counts as consumed at this moment, and is shown late."""
    update(transaction, project_id)
    row = transaction.rows("SELECT * FROM projects WHERE id = ?", project_id)[0]
    meter = stored_meter(transaction, row)
    used = {**_exact(meter), **counters}
    more = {member: max(0.0, used[member] - amount) for member, amount in amounts_by_name(meter.used).items()}
    record_consumption(
        transaction, project_id, [Piece(meter.branch_id, transaction.now, transaction.now, Amounts(**more))]
    )
    transaction.update("projects", project_id, usage=used)
    update(transaction, project_id)


def employ(transaction: Transaction, project_id: str, workload: Workload) -> None:
    """Let users work with a project whose meter has just been stored."""
    transaction.update("projects", project_id, workload=workload)
