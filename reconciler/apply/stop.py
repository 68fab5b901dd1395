"""What ends a run before its plan does: a signal, or the circuit breaker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakSet

from reconciler.errors import (
    AuthenticationError,
    ExitCode,
    LostRaceError,
    MissingKeyError,
    UnavailableError,
    UnknownOutcomeError,
    UnreachableError,
    WrongOrganizationError,
    weightiest,
)

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError

HOPELESS = (AuthenticationError, MissingKeyError, WrongOrganizationError)
"""Errors that every further call would meet too."""
SERVER_ERRORS = (UnavailableError, UnreachableError, UnknownOutcomeError)


class StopSignal:
    """Asks a run to end: calls in flight finish, no new ones start. The first reason given stays.

    A project that was created is still checked for rivals, so that the end leaves nothing in doubt.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.exit_code: ExitCode | None = None
        self.signalled = False
        """Whether a signal has come, whatever else has asked the run to end."""
        self._runs: WeakSet[StopSignal] = WeakSet()

    def of_run(self) -> StopSignal:
        """The signal of one run: whatever asks this one to end asks the run too, but not the other way round.

        So a signal that a caller keeps for many runs ends them together, and none of them ends the others.
        """
        run = StopSignal()
        run.reason, run.exit_code, run.signalled = self.reason, self.exit_code, self.signalled
        self._runs.add(run)
        return run

    @property
    def requested(self) -> bool:
        """Whether the run is to end."""
        return self.reason is not None

    def request(self, reason: str, exit_code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """End the run; ``reason`` completes "the run was stopped: ..."."""
        if self.reason is None:
            self.reason, self.exit_code = reason, exit_code
        for run in self._runs:
            run.request(reason, exit_code)

    def signal(self, name: str) -> None:
        """A signal has come. It outweighs what else has ended the run, and is told after it."""
        self.signalled = True
        reason = f"by {name}"
        self.reason = reason if self.reason is None else f"{self.reason}; then {reason}"
        self.exit_code = weightiest((ExitCode.INTERRUPTED, self.exit_code or ExitCode.DONE))
        for run in self._runs:
            run.signal(name)


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """How much failure a run bears before it stops by itself."""

    failed_share: float = 0.05
    """More than this share of the tenants that were tried is too much."""
    tenants_at_least: int = 20
    """Tenants that have been tried before a share says anything."""
    server_errors_in_a_row: int = 5


@dataclass(slots=True)
class Breaker:
    """Counts what becomes of tenants, and says when to stop."""

    limits: BreakerLimits = field(default_factory=BreakerLimits)
    tried: int = 0
    """Tenants of which a call was answered, or that failed."""
    failed: int = 0
    server_errors: int = 0
    """In a row: a call that goes well ends the row."""

    def went_well(self, *, first: bool) -> None:
        """A call for a tenant was carried out; ``first`` where it is the first thing heard of the tenant."""
        self.tried += first
        self.server_errors = 0

    def failed_with(self, error: ReconcilerError, stop: StopSignal, *, first: bool) -> None:
        """One more tenant failed; asks ``stop`` to end the run where that is one too many.

        A lost race is no failure in this sense: the tenant has its project.
        """
        self.tried += first
        self.failed += not isinstance(error, LostRaceError)
        self.server_errors = self.server_errors + 1 if isinstance(error, SERVER_ERRORS) else 0
        if isinstance(error, HOPELESS):
            stop.request(str(error), error.exit_code)
        elif reason := self._too_much():
            stop.request(reason, ExitCode.ERROR)

    def _too_much(self) -> str | None:
        if self.server_errors >= self.limits.server_errors_in_a_row:
            return f"{self.server_errors} tenants in a row failed because the API did not answer properly"
        enough = self.tried >= self.limits.tenants_at_least
        if enough and self.failed / self.tried > self.limits.failed_share:
            return f"{self.failed} of {self.tried} tenants failed"
        return None
