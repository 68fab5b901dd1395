"""What became of a tenant's actions: the report of an apply."""

from datetime import datetime
from enum import Enum
from typing import Final

from msgspec import Struct

from reconciler.errors import ExitCode
from reconciler.plan.action import Action

GONE: Final = "it was gone already"
"""The message of a deletion that had nothing to delete."""


class Result(Enum):
    """The four things that can become of an action or of a tenant."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class ActionOutcome(Struct, frozen=True):
    """What became of one action."""

    action: Action
    result: Result
    message: str = ""
    """For a failure or a skip: why, in one sentence. For what was applied: what went wrong beside it."""
    hint: str | None = None
    request_id: str | None = None
    denied: bool = False
    """Whether it failed because the key may not do this, or is unknown."""


class Deletion(Struct, frozen=True):
    """The record of a tenant's deleted project: what a register of erasures needs."""

    project_id: str
    request_id: str | None
    """Of the call that deleted it, as Neon's logs have it."""
    at: datetime
    recoverable_until: datetime
    """Until then ``recover: <project_id>`` in the tenant's file brings it back; then it is gone (Neon)."""


class TenantOutcome(Struct, frozen=True):
    """What became of one tenant: its actions up to the first failure, the rest skipped."""

    tenant: str
    result: Result
    actions: tuple[ActionOutcome, ...]
    project_id: str | None
    deletion: Deletion | None = None
    """Where its project was deleted by this run; one that was gone before it is another's to tell of."""

    revision: int | None = None
    """Of the tenant's file, where it states one."""

    @property
    def recoverable_until(self) -> datetime | None:
        """After a deletion: Neon keeps a deleted project for 7 days."""
        return None if self.deletion is None else self.deletion.recoverable_until


class Report(Struct, frozen=True):
    """Every outcome of one apply, in the order of the plan."""

    run: str
    """Random id of this run; also in the annotations of what it created and in its journal."""
    started_at: datetime
    finished_at: datetime
    outcomes: tuple[TenantOutcome, ...]
    calls: int
    """API calls made, retries and polls included."""
    stopped: str | None = None
    """Why the run ended before its plan did: a signal, or the circuit breaker."""
    stopped_by: ExitCode | None = None
    api_host: str | None = None
    """The address of the API, where it is not Neon's own."""

    @property
    def denied(self) -> bool:
        """Whether a key was refused."""
        return any(action.denied for outcome in self.outcomes for action in outcome.actions)

    def count(self, result: Result) -> int:
        """Tenants with this result."""
        return sum(outcome.result is result for outcome in self.outcomes)
