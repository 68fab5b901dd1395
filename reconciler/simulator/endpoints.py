"""Computes: made, changed, started and suspended. Whether one is active follows from its row and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator import ids, shapes
from reconciler.simulator.clock import timestamp
from reconciler.simulator.limits import DEFAULT_SUSPEND_SECONDS
from reconciler.simulator.metering.usage import NEVER
from reconciler.simulator.operations import Work
from reconciler.simulator.shapes import DEFAULT_COMPUTE
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction

START_SECONDS: Final = 0.3
"""How long a new compute is in state ``init``."""

CHOSEN: Final = ("name", "settings", "pooler_enabled", "pooler_mode", "disabled", "passwordless_access")
"""What else than its size can be stated about a new compute, and is reported as it was stated."""


def compute_of(stated: Mapping[str, Any], defaults: Mapping[str, Any], behaviour: Behaviour) -> Document:
    """Size and suspension: what is stated, else the defaults, worded as the API reports it."""
    compute = {member: stated.get(member, defaults[member]) for member in DEFAULT_COMPUTE}
    if behaviour.default_suspend_as_zero and compute["suspend_timeout_seconds"] == DEFAULT_SUSPEND_SECONDS:
        compute["suspend_timeout_seconds"] = 0
    return compute


def create(
    transaction: Transaction,
    *,
    project: Mapping[str, Any],
    branch_id: str,
    kind: str,
    compute: Mapping[str, Any],
    stated: Mapping[str, Any] | None = None,
) -> Document:
    """Store a compute; it starts at once, unless it is disabled, and suspends when its timeout has passed."""
    now, endpoint_id = transaction.now, ids.endpoint_id(transaction.number())
    body = shapes.endpoint(
        endpoint_id=endpoint_id,
        project_id=project["id"],
        branch_id=branch_id,
        region_id=project["region_id"],
        kind=kind,
        compute=compute,
        settings={"pg_settings": {}},
        now=now,
    )
    body.update({member: value for member, value in (stated or {}).items() if member in CHOSEN})
    until = now if body["disabled"] else now + idle_after(compute)
    transaction.insert(
        "endpoints",
        id=endpoint_id,
        project_id=project["id"],
        branch_id=branch_id,
        type=kind,
        ready_at=now + START_SECONDS,
        active_until=until,
        body=body,
    )
    _runs_until(transaction, project["id"], until)
    state = {"current_state": "idle"} if body["disabled"] else {"current_state": "init", "pending_state": "active"}
    return {**body, **state}


def _runs_until(transaction: Transaction, project_id: str, until: float) -> None:
    """Let the project's meter know that there is something to be counted."""
    if until <= transaction.present:
        return
    transaction.execute("UPDATE projects SET runs_until = max(runs_until, ?) WHERE id = ?", until, project_id)


def idle_after(compute: Mapping[str, Any]) -> float:
    """Seconds of idleness after which a compute suspends."""
    seconds: int = compute["suspend_timeout_seconds"]
    return NEVER if seconds < 0 else seconds or DEFAULT_SUSPEND_SECONDS


def describe(row: sqlite3.Row, now: float, suspended_at: float | None = None) -> Document:
    """A compute as it is now, where a quota has suspended it at that moment, if any has."""
    body: Document = body_of(row)
    until = row["active_until"] if suspended_at is None else min(row["active_until"], suspended_at)
    if now < row["ready_at"] and now < until:
        return {**body, "current_state": "init", "pending_state": "active"}
    if now < until:
        return {**body, "current_state": "active"}
    return {**body, "current_state": "idle", "suspended_at": timestamp(max(row["ready_at"], until))}


def suspend_all(transaction: Transaction, project_id: str, moment: float) -> None:
    """Suspend the computes of a project that ran at a moment."""
    transaction.execute(
        "UPDATE endpoints SET active_until = ?1 WHERE project_id = ?2 AND active_until > ?1", moment, project_id
    )
    transaction.update("projects", project_id, runs_until=moment)


def active(row: sqlite3.Row, now: float) -> bool:
    """Whether a compute runs."""
    return bool(now < row["active_until"])


def change(
    transaction: Transaction, row: sqlite3.Row, changes: Mapping[str, Any], *, active_until: float
) -> Document:
    """Store other members of a compute, and until when it runs."""
    body = {**body_of(row), **changes, "updated_at": timestamp(transaction.now)}
    transaction.update("endpoints", row["id"], body=body, active_until=active_until)
    _runs_until(transaction, row["project_id"], active_until)
    now_active = transaction.now < active_until
    return {**body, "current_state": "active" if now_active else "idle"}


def endpoint(store: Reading, project_id: str, endpoint_id: str) -> sqlite3.Row | None:
    """One compute of a project."""
    query = "SELECT * FROM endpoints WHERE id = ? AND project_id = ? AND deleted_at IS NULL"
    return store.row(query, endpoint_id, project_id)


def endpoints_of_project(store: Reading, project_id: str) -> list[sqlite3.Row]:
    """All computes of a project."""
    query = "SELECT * FROM endpoints WHERE project_id = ? AND deleted_at IS NULL ORDER BY ready_at, id"
    return store.rows(query, project_id)


def endpoints_of_branch(store: Reading, project_id: str, branch_id: str) -> list[sqlite3.Row]:
    """All computes of a branch."""
    return [row for row in endpoints_of_project(store, project_id) if row["branch_id"] == branch_id]


def configuration_works(store: Reading, branch: sqlite3.Row, now: float) -> list[Work]:
    """What tells a branch's compute of other roles or databases: an idle one wakes for a moment (Neon)."""
    works = []
    for row in endpoints_of_branch(store, branch["project_id"], branch["id"]):
        if row["type"] == "read_write" and not body_of(row)["disabled"]:
            works.append(Work("apply_config", branch["id"], row["id"]))
            works += [Work("suspend_compute", branch["id"], row["id"])] * (not active(row, now))
    return works
