"""Computes: made, changed, started and suspended. Whether one is active follows from its row and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator import branches, ids, shapes
from reconciler.simulator.behaviour import Patch, SuspendTimeout
from reconciler.simulator.clock import timestamp
from reconciler.simulator.limits import DEFAULT_SUSPEND_SECONDS
from reconciler.simulator.metering.usage import NEVER
from reconciler.simulator.operations import Work
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.shapes import DEFAULT_COMPUTE
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction
    from reconciler.simulator.types import Limits

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


def settable(stated: Document, limits: Limits, behaviour: Behaviour) -> Document:
    """The stated members, less a suspend timeout where the organization has none but Neon's default.

    Whether such an organization refuses it is a switch. Refuses with 412.
    """
    fixed = (limits.min_suspend_timeout_seconds or 0) >= DEFAULT_SUSPEND_SECONDS
    if not fixed or "suspend_timeout_seconds" not in stated or behaviour.suspend_timeout is SuspendTimeout.ALLOWED:
        return stated
    if behaviour.suspend_timeout is SuspendTimeout.REFUSED:
        raise Refusal(412, "suspend interval changing is not allowed for your account")
    return {**stated, "suspend_timeout_seconds": 0}


def merged_pg_settings(stored: Mapping[str, Any], stated: Mapping[str, Any], behaviour: Behaviour) -> Document:
    """What is stated, with the settings of Postgres as they are after the change."""
    if "pg_settings" not in stated or behaviour.pg_settings_patch is Patch.REPLACE:
        return dict(stated)
    return {**stated, "pg_settings": {**stored.get("pg_settings", {}), **stated["pg_settings"]}}


def pg_settings_of(defaults: Mapping[str, Any], behaviour: Behaviour) -> Mapping[str, str]:
    """The Postgres parameters that a new compute has from its project's defaults."""
    found: Mapping[str, str] = defaults.get("pg_settings", {}) if behaviour.new_computes_take_pg_settings else {}
    return found


def store_endpoint(
    transaction: Transaction,
    *,
    project: Mapping[str, Any],
    branch_id: str,
    kind: str,
    compute: Mapping[str, Any],
    pg_settings: Mapping[str, str] | None = None,
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
        settings={"pg_settings": dict(pg_settings or {})},
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


def keep_running(transaction: Transaction, row: sqlite3.Row, until: float) -> None:
    """Store until when a compute runs, because it is used."""
    transaction.update("endpoints", row["id"], active_until=until)
    _runs_until(transaction, row["project_id"], until)


def _runs_until(transaction: Transaction, project_id: str, until: float) -> None:
    """Let the project's meter know that there is something to be counted."""
    if until <= transaction.present:
        return
    transaction.execute("UPDATE projects SET runs_until = max(runs_until, ?) WHERE id = ?", until, project_id)


def idle_after(compute: Mapping[str, Any]) -> float:
    """Seconds of idleness after which a compute suspends."""
    seconds: int = compute["suspend_timeout_seconds"]
    return NEVER if seconds < 0 else seconds or DEFAULT_SUSPEND_SECONDS


def describe_endpoint(row: sqlite3.Row, now: float, suspended_at: float | None = None) -> Document:
    """A compute as it is now, where a quota has suspended it at that moment, if any has."""
    body: Document = body_of(row)
    until = row["active_until"] if suspended_at is None else min(row["active_until"], suspended_at)
    body["last_active"] = timestamp(_last_active(row, body, now))
    if now < row["ready_at"] and now < until:
        return {**body, "current_state": "init", "pending_state": "active"}
    if now < until:
        return {**body, "current_state": "active"}
    return {**body, "current_state": "idle", "suspended_at": timestamp(max(row["ready_at"], until))}


def _last_active(row: sqlite3.Row, body: Mapping[str, Any], now: float) -> float:
    """When it was used last: it suspends after the time that follows from its timeout."""
    used = row["active_until"] - idle_after(body)
    return float(min(now, max(row["ready_at"] - START_SECONDS, used)))


def suspend_all(transaction: Transaction, project_id: str, moment: float) -> None:
    """Suspend the computes of a project that ran at a moment."""
    transaction.execute(
        "UPDATE endpoints SET active_until = ?1 WHERE project_id = ?2 AND active_until > ?1", moment, project_id
    )
    transaction.update("projects", project_id, runs_until=moment)


def active(row: sqlite3.Row, now: float) -> bool:
    """Whether a compute runs."""
    return bool(now < row["active_until"])


def change_endpoint(
    transaction: Transaction, row: sqlite3.Row, changes: Mapping[str, Any], *, active_until: float
) -> Document:
    """Store other members of a compute, and until when it runs."""
    body = {**body_of(row), **changes, "updated_at": timestamp(transaction.now)}
    transaction.update("endpoints", row["id"], body=body, active_until=active_until)
    _runs_until(transaction, row["project_id"], active_until)
    now_active = transaction.now < active_until
    return {**body, "current_state": "active" if now_active else "idle"}


def find_endpoint(store: Reading, project_id: str, endpoint_id: str) -> sqlite3.Row | None:
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


def count_replicas(store: Reading, project_id: str, now: float) -> int:
    """Read-only computes of a project, on branches that exist."""
    live = {row["id"] for row in branches.branches(store, project_id, now)}
    rows = endpoints_of_project(store, project_id)
    return sum(row["type"] == "read_only" and row["branch_id"] in live for row in rows)


def check_writer(store: Reading, branch: sqlite3.Row) -> None:
    """Refuse a role or database of a branch that no compute could create. The status is a guess; users quote the
    message.
    """
    computes = endpoints_of_branch(store, branch["project_id"], branch["id"])
    if all(row["type"] != "read_write" for row in computes):
        raise Refusal(404, "no read-write endpoint for branch")


def configuration_works(store: Reading, branch: sqlite3.Row, now: float) -> list[Work]:
    """What tells a branch's compute of other roles or databases: an idle one wakes for a moment (Neon)."""
    works = []
    for row in endpoints_of_branch(store, branch["project_id"], branch["id"]):
        if row["type"] == "read_write" and not body_of(row)["disabled"]:
            works.append(Work("apply_config", branch["id"], row["id"]))
            works += [Work("suspend_compute", branch["id"], row["id"])] * (not active(row, now))
    return works
