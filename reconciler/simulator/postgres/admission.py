"""Which computes can be connected to, and what a connection does to them: it wakes them (Neon: scale to zero)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.simulator import endpoints
from reconciler.simulator.metering import meters
from reconciler.simulator.refusal import Refusal
from reconciler.simulator.store import Reading, body_of

if TYPE_CHECKING:
    from reconciler.simulator.world import World

NO_SUCH_COMPUTE: Final = "08P01", "the requested endpoint could not be found"
DISABLED: Final = "08P01", "the endpoint is disabled; enable it through the Neon API and retry"
QUOTA: Final = "53000"

_QUERY: Final = """
SELECT endpoints.*, branches.deleted_at AS branch_deleted_at, branches.expires_at,
       projects.deleted_at AS project_deleted_at
FROM endpoints JOIN branches ON branches.id = endpoints.branch_id
JOIN projects ON projects.id = endpoints.project_id WHERE endpoints.id = ? AND endpoints.deleted_at IS NULL
"""


class NotAdmittedError(Exception):
    """Nobody can connect to a compute: an SQLSTATE, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class AdmittedCompute:
    """A compute that can be connected to."""

    endpoint_id: str
    branch_id: str
    project_id: str
    read_only: bool
    runs_until: float
    """When it suspends unless it is used, in simulated seconds since 1970."""
    idle_seconds: float
    """After how long."""


def find_compute(store: Reading, endpoint_id: str, now: float) -> AdmittedCompute:
    """A compute by its id. Raises NotAdmittedError if it is disabled, or its branch or project is gone."""
    row = store.row(_QUERY, endpoint_id)
    if row is None or row["branch_deleted_at"] is not None or row["project_deleted_at"] is not None:
        raise NotAdmittedError(*NO_SUCH_COMPUTE)
    if row["expires_at"] is not None and row["expires_at"] <= now:
        raise NotAdmittedError(*NO_SUCH_COMPUTE)
    body = body_of(row)
    if body["disabled"]:
        raise NotAdmittedError(*DISABLED)
    project = store.rows("SELECT * FROM projects WHERE id = ?", row["project_id"])[0]
    stopped_at = meters.suspended_at(store, project, now)
    until = row["active_until"] if stopped_at is None else min(row["active_until"], stopped_at)
    read_only = row["type"] == "read_only"
    idle_seconds = endpoints.idle_after(body)
    return AdmittedCompute(row["id"], row["branch_id"], row["project_id"], read_only, until, idle_seconds)


def wake(world: World, compute: AdmittedCompute) -> None:
    """Lets a compute run until it has been idle for long enough. Raises NotAdmittedError for a reached quota."""
    with world.writing() as transaction:
        meters.update(transaction, compute.project_id)
        project = transaction.rows("SELECT * FROM projects WHERE id = ?", compute.project_id)[0]
        try:
            meters.check_may_run(transaction, project, transaction.now)
        except Refusal as refusal:
            raise NotAdmittedError(QUOTA, str(refusal)) from None
        row = transaction.rows("SELECT * FROM endpoints WHERE id = ?", compute.endpoint_id)[0]
        until = max(row["active_until"], transaction.now + compute.idle_seconds)
        endpoints.keep_running(transaction, row, until)
