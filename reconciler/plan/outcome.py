"""What became of a tenant's actions: the report of an apply."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.errors import ExitCode
    from reconciler.plan.action import Action


class Result(Enum):
    """The four things that can become of an action or of a tenant."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """What became of one action."""

    action: Action
    result: Result
    message: str = ""
    """For a failure or a skip: why, in one sentence."""
    hint: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class TenantOutcome:
    """What became of one tenant: its actions up to the first failure, the rest skipped."""

    tenant: str
    result: Result
    actions: tuple[ActionOutcome, ...]
    project_id: str | None
    recoverable_until: datetime | None = None
    """After a deletion: Neon keeps a deleted project for 7 days."""


@dataclass(frozen=True, slots=True)
class Report:
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

    def count(self, result: Result) -> int:
        """Tenants with this result."""
        return sum(outcome.result is result for outcome in self.outcomes)
