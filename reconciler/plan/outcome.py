"""The report of an apply: the outcome of each action."""

from datetime import datetime
from enum import Enum
from typing import Final

from msgspec import Struct

from reconciler.errors import ExitCode
from reconciler.plan.action import Action

GONE: Final = "it was gone already"
"""The message of a deletion that had nothing to delete."""


class Result(Enum):
    """The four outcomes of an action or of a tenant."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class ActionOutcome(Struct, frozen=True):
    """The outcome of one action."""

    action: Action
    result: Result
    message: str = ""
    """The reason of a failure or a skip, in one sentence; for an applied action, what else failed."""
    hint: str | None = None
    request_id: str | None = None
    denied: bool = False
    """Whether it failed because the API key is unknown or not permitted."""

    @property
    def request_to_name(self) -> str | None:
        """The request id, unless the message names it."""
        return None if self.request_id is None or self.request_id in self.message else self.request_id


class Deletion(Struct, frozen=True):
    """The record of a deleted project, for a register of erasures."""

    project_id: str
    request_id: str | None
    """The id of the call that deleted it, as in Neon's logs."""
    at: datetime
    recoverable_until: datetime
    """Until then, ``recover: <project_id>`` in the tenant's file recovers it (Neon)."""
    dump: str | None = None
    """Where its databases were dumped before, if they were."""


class TenantOutcome(Struct, frozen=True):
    """The outcome of one tenant: its actions up to the first failure; the others are skipped."""

    tenant: str
    result: Result
    actions: tuple[ActionOutcome, ...]
    project_id: str | None
    deletion: Deletion | None = None
    """Set if this run deleted the project; not if the project no longer existed."""

    revision: int | None = None
    """The revision in the tenant's file, if any."""

    @property
    def recoverable_until(self) -> datetime | None:
        """For a deleted project: Neon keeps it for 7 days."""
        return None if self.deletion is None else self.deletion.recoverable_until


class HarmedTenant(Struct, frozen=True):
    """A tenant that is worse off since its wave."""

    tenant: str
    symptoms: tuple[str, ...]
    """In a few words each: ``suspended: quota.active_time_seconds is used up``."""
    certain: bool = False
    """Whether only the run can have caused one of them."""


class Harm(Struct, frozen=True):
    """The wave after which a run stopped, and who is worse off since."""

    run: str
    """The run that the wave belongs to: an earlier one, if that did not look at it."""
    wave: int
    looked_at: int
    """Tenants of the wave that were looked at."""
    untouched: int
    """Untouched tenants that were looked at."""
    untouched_harmed: int
    """How many of these had a symptom."""
    tenants: tuple[HarmedTenant, ...]


class Report(Struct, frozen=True):
    """The outcomes of one apply, in the order of the plan."""

    run: str
    """The random id of the run, also in its journal and in the annotations of what it created."""
    started_at: datetime
    finished_at: datetime
    outcomes: tuple[TenantOutcome, ...]
    calls: int
    """The number of API calls, with retries and polls."""
    stopped: str | None = None
    """Why the run ended early: a signal, or the circuit breaker."""
    stopped_by: ExitCode | None = None
    api_host: str | None = None
    """The address of the API if it is not Neon's own."""
    harm: Harm | None = None
    """The wave that was worse off afterwards; None if none was, or none was looked at."""
    shard: str | None = None
    """The part of the fleet that the run was about: ``2/8``. None: the whole fleet."""

    @property
    def denied(self) -> bool:
        """Whether Neon refused an API key."""
        return any(action.denied for outcome in self.outcomes for action in outcome.actions)

    def count(self, result: Result) -> int:
        """The number of tenants with this result."""
        return sum(outcome.result is result for outcome in self.outcomes)
