"""/projects/{project_id}/branches/{branch_id}/backup_schedule: read and replace (Neon: beta)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET, to_builtins

from reconciler.simulator import schedules
from reconciler.simulator.answer import Answer
from reconciler.simulator.bodies import BackupScheduleItem, SetBackupSchedule
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.routes.branch_routes import branch_of

if TYPE_CHECKING:
    from reconciler.simulator.call import Call

LAST_DAYS: Final = {"daily": 0, "weekly": 7, "monthly": 31}
"""The last day that an item of a schedule can name."""


def get_schedule(call: Call) -> Answer:
    """GET /projects/{project_id}/branches/{branch_id}/backup_schedule."""
    row = branch_of(call, call.world.clock.now())
    _check_offered(call)
    return Answer({"schedule": schedules.schedule(call.world.store, row["id"])})


def set_schedule(call: Call) -> Answer:
    """PUT /projects/{project_id}/branches/{branch_id}/backup_schedule: replaces all of it, and no operations."""
    body, behaviour = call.body(SetBackupSchedule), call.world.behaviour
    with call.change() as change:
        branch = branch_of(call, change.now)
        _check_offered(call)
        if not body.schedule and not behaviour.empty_schedule_allowed:
            raise Refusal(400, "a schedule needs at least one item")
        if body.schedule and branch["parent_id"] is not None:
            raise Refusal(422, "snapshots can only be created of root branches")
        for item in body.schedule:
            _check_item(item, behaviour.longest_backup_retention_seconds)
        schedules.catch_up(change.transaction, branch["project_id"])
        items = [to_builtins(item) for item in body.schedule]
        schedules.put(change.transaction, branch, items, behaviour.longest_backup_retention_seconds)
    return Answer({})


def _check_offered(call: Call) -> None:
    if not call.world.behaviour.backup_schedules:
        raise Refusal(403, "backup schedules are not available on your plan")


def _check_item(item: BackupScheduleItem, longest_seconds: int | None) -> None:
    """Refuse a member that does not go with the frequency: whether Neon ignores it is not documented."""
    if item.month is not UNSET:
        raise Refusal(400, f"month does not apply to a {item.frequency} snapshot")
    last = LAST_DAYS[item.frequency]
    if item.day is not UNSET and item.day > last:
        raise Refusal(400, f"day {item.day} does not apply to a {item.frequency} snapshot")
    kept = item.retention_seconds
    if longest_seconds is not None and kept is not UNSET and kept > longest_seconds:
        raise Refusal(400, f"retention_seconds must be at most {longest_seconds}")
