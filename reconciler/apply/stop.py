"""What ends a run early: a signal, or the circuit breaker."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

from msgspec import Struct, field

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

PERMANENT = (AuthenticationError, MissingKeyError, WrongOrganizationError)
"""Errors that every later call would get too."""
SERVER_ERRORS = (UnavailableError, UnreachableError, UnknownOutcomeError)


class StopSignal:
    """Asks a run to end: calls in flight finish, and no new ones start. The first reason is kept.

    A created project is still checked for rivals, so that no project is left unchecked.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.exit_code: ExitCode | None = None
        self.signalled = False
        """Whether the process got a signal. Other things can end a run too."""
        self._runs: WeakSet[StopSignal] = WeakSet()

    def of_run(self) -> StopSignal:
        """The signal of one run: a request on this signal ends the run, a request on the run's ends only the run.

        A caller can therefore end many runs with one signal, and no run ends the others.
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
        """Ends the run. ``reason`` completes "the run was stopped: ..."."""
        if self.reason is None:
            self.reason, self.exit_code = reason, exit_code
        for run in self._runs:
            run.request(reason, exit_code)

    def signal(self, name: str) -> None:
        """The process got a signal. Its exit code takes precedence; its reason follows an earlier one."""
        self.signalled = True
        reason = f"by {name}"
        self.reason = reason if self.reason is None else f"{self.reason}; then {reason}"
        self.exit_code = weightiest((ExitCode.INTERRUPTED, self.exit_code or ExitCode.DONE))
        for run in self._runs:
            run.signal(name)


class BreakerLimits(Struct, frozen=True):
    """How many failures stop a run."""

    failed_share: float = 0.05
    """The run stops when more than this share of the tried tenants has failed."""
    tenants_at_least: int = 20
    """The number of tried tenants from which the share counts."""
    server_errors_in_a_row: int = 5


class Breaker(Struct):
    """Counts tried and failed tenants, and stops the run at the limits."""

    limits: BreakerLimits = field(default_factory=BreakerLimits)
    tried: int = 0
    """Tenants with a successful call or a failure."""
    failed: int = 0
    server_errors: int = 0
    """In a row; a successful call resets the count."""

    def call_succeeded(self, *, first: bool) -> None:
        """A call for a tenant succeeded. ``first``: the tenant has not been counted yet."""
        self.tried += first
        self.server_errors = 0

    def tenant_failed(self, error: ReconcilerError, stop: StopSignal, *, first: bool) -> None:
        """Counts a failed tenant, and requests ``stop`` when a limit is exceeded.

        A lost race does not count as a failure: the tenant has its project.
        """
        self.tried += first
        self.failed += not isinstance(error, LostRaceError)
        self.server_errors = self.server_errors + 1 if isinstance(error, SERVER_ERRORS) else 0
        if isinstance(error, PERMANENT):
            stop.request(str(error), error.exit_code)
        elif reason := self._limit_exceeded():
            stop.request(reason, ExitCode.ERROR)

    def _limit_exceeded(self) -> str | None:
        if self.server_errors >= self.limits.server_errors_in_a_row:
            return f"{self.server_errors} tenants in a row failed because the API did not answer properly"
        enough = self.tried >= self.limits.tenants_at_least
        if enough and self.failed / self.tried > self.limits.failed_share:
            return f"{self.failed} of {self.tried} tenants failed"
        return None
