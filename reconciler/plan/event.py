"""What happens in a run, as it happens: from the first event to the last one, the report in pieces."""

from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from reconciler.plan.outcome import ActionOutcome, HarmedTenant, Report, TenantOutcome
from reconciler.plan.plan import Rule


class RunStarted(Struct, frozen=True, tag_field="event", tag="run_started"):
    """The first event of a run."""

    at: datetime
    fleet: str
    commit: str | None
    """The git commit of the files; None outside a repository."""
    tenants: int
    """Tenants with actions."""
    actions: int
    waves: int


class Refused(Struct, frozen=True, tag_field="event", tag="refused"):
    """A guard refuses actions of these tenants. Told right after the start of the run."""

    at: datetime
    rule: Rule
    tenants: tuple[str, ...]
    message: str
    remedy: str


class InConflict(Struct, frozen=True, tag_field="event", tag="conflict"):
    """A person has to decide about the tenant, which is not changed. Told right after the start of the run."""

    at: datetime
    tenant: str
    message: str
    remedy: str


class LeftOut(Struct, frozen=True, tag_field="event", tag="stale"):
    """The saved plan does not permit what the tenant needs now. Told right after the start of the run."""

    at: datetime
    tenant: str
    message: str


class WaveStarted(Struct, frozen=True, tag_field="event", tag="wave_started"):
    """A wave starts, after the one before it has ended and was good enough."""

    at: datetime
    number: int
    """Counted from 1."""
    tenants: int


class WaveLookedAt(Struct, frozen=True, tag_field="event", tag="wave_looked_at"):
    """After its bake time, a wave was looked at, and tenants that nobody touched beside it."""

    at: datetime
    of_run: str
    """The run of the wave: an earlier one, if that did not look at it."""
    number: int
    """Counted from 1."""
    harmful: bool
    """Whether the run ends here."""
    looked_at: int
    """Tenants of the wave that were looked at."""
    harmed: tuple[HarmedTenant, ...]
    untouched: int
    """Untouched tenants that were looked at."""
    untouched_harmed: int
    """How many of these had a symptom."""


class TenantStarted(Struct, frozen=True, tag_field="event", tag="tenant_started"):
    """The turn of a tenant begins."""

    at: datetime
    tenant: str
    actions: int


class ObservedAgain(Struct, frozen=True, tag_field="event", tag="observed_again"):
    """The tenant's turn came late: its project is read and planned again before the next step."""

    at: datetime
    tenant: str


class ActionEnded(Struct, frozen=True, tag_field="event", tag="action"):
    """An action has ended, with the outcome that stands in the report."""

    at: datetime
    outcome: ActionOutcome


class TenantEnded(Struct, frozen=True, tag_field="event", tag="tenant_ended"):
    """Nothing more happens to the tenant in this run."""

    at: datetime
    outcome: TenantOutcome


class Paused(Struct, frozen=True, tag_field="event", tag="paused"):
    """Neon did not carry out a call for now (429: the rate limit; 423: a lock): it is sent again after a pause."""

    at: datetime
    route: str
    """Method and path, without ids: ``PATCH /projects/{project_id}``."""
    status: int | None
    """The status of the response; None if there was none."""
    attempt: int
    """The attempt that failed, counted from 1."""
    seconds: float
    """Until the next attempt, at least."""
    request_id: str


class RunEnded(Struct, frozen=True, tag_field="event", tag="run_ended"):
    """The last event of a run that has a report."""

    at: datetime
    report: Report
    stale: int
    """Tenants that the saved plan holds back."""
    exit_code: int


class RunFailed(Struct, frozen=True, tag_field="event", tag="run_failed"):
    """The last event of a run that an error has ended before it had a report."""

    at: datetime
    message: str
    hint: str | None
    exit_code: int


Event: TypeAlias = (
    RunStarted
    | Refused
    | InConflict
    | LeftOut
    | WaveStarted
    | WaveLookedAt
    | TenantStarted
    | ObservedAgain
    | ActionEnded
    | TenantEnded
    | Paused
    | RunEnded
    | RunFailed
)
