"""The outcomes of a run: the outcome of each action, tenant by tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from reconciler.errors import (
    ApiError,
    ExitCode,
    LostRaceError,
    MovedProjectError,
    NotSentError,
    UnknownOutcomeError,
)
from reconciler.model.values import replace
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.outcome import ActionOutcome, Result, TenantOutcome
from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.apply.stop import Breaker, StopSignal
    from reconciler.errors import ReconcilerError
    from reconciler.plan.action import Action
    from reconciler.plan.outcome import Deletion
    from reconciler.plan.plan import TenantPlan

WITH_REQUEST_ID: Final = (ApiError, MovedProjectError, UnknownOutcomeError)


class _Entry(Struct):
    plan: TenantPlan
    project_id: str | None
    outcomes: tuple[ActionOutcome, ...] = ()
    """Of few actions: a tuple takes a fifth of a dictionary's memory."""
    finished: bool = False
    counted: bool = False
    """Whether the breaker has counted the tenant."""
    deletion: Deletion | None = None
    failed: bool = False
    announced: bool = False
    """Whether the listener was told the outcome of the tenant."""

    def record(self, action: Action, result: Result, message: str, hint: str | None = None, **more: Any) -> bool:
        """Records an outcome. The first one of an action is final. Returns whether it is the first one."""
        if self.outcome(action) is not None:
            return False
        self.outcomes = (*self.outcomes, ActionOutcome(action, result, message, hint, **more))
        return True

    def outcome(self, action: Action) -> ActionOutcome | None:
        """The outcome of an action, if it is recorded."""
        return next((outcome for outcome in self.outcomes if outcome.action == action), None)

    @property
    def so_far(self) -> tuple[ActionOutcome, ...]:
        """The recorded outcomes, in the order of the plan."""
        recorded = map(self.outcome, self.plan.actions)
        return with_lost_snapshots([outcome for outcome in recorded if outcome is not None])


class Listener(Protocol):
    """Receives outcomes as they become final."""

    def action(self, outcome: ActionOutcome) -> None:
        """An action has ended."""

    def tenant(self, outcome: TenantOutcome) -> None:
        """Nothing more happens to a tenant."""


class Outcomes:
    """Collects outcomes in any order and returns them in the order of the plan."""

    def __init__(
        self,
        tenants: tuple[TenantPlan, ...],
        *,
        breaker: Breaker,
        stop: StopSignal,
        on_progress: Callable[[int, int, str], None] | None = None,
        listener: Listener | None = None,
    ) -> None:
        """``on_progress`` gets the numbers of finished and of all tenants, and the word "tenants"."""
        self._entries = {plan.tenant: _Entry(plan, plan.project.id if plan.project else None) for plan in tenants}
        self._breaker = breaker
        self._stop = stop
        self._on_progress = on_progress
        self._listener = listener
        self._finished = 0

    def call_succeeded(self, tenant: str) -> None:
        """A call for the tenant succeeded; its action may need more calls."""
        entry = self._entries[tenant]
        self._breaker.call_succeeded(first=not entry.counted)
        entry.counted = True

    def applied(
        self,
        action: Action,
        message: str = "",
        *,
        request_id: str | None = None,
        deletion: Deletion | None = None,
    ) -> None:
        """The action is done. ``deletion`` is the record of the project that it deleted."""
        entry = self._entries[action.tenant]
        self._put(entry, action, Result.APPLIED, message, request_id=request_id)
        entry.deletion = deletion
        self.call_succeeded(action.tenant)
        self._finish(entry, last=False)

    def unchanged(self, action: Action, message: str) -> None:
        """The action had nothing left to do."""
        self._record(action, Result.UNCHANGED, message)

    def refused(self, action: Action, message: str, hint: str, *, request_id: str | None = None) -> None:
        """A guard or Neon refuses the action. The tenant's other actions go ahead."""
        entry = self._entries[action.tenant]
        self._put(entry, action, Result.SKIPPED, message, hint, request_id=request_id)
        self._finish(entry, last=False)

    def is_unchanged(self, action: Action) -> bool:
        """Whether the action was recorded as unchanged."""
        outcome = self._entries[action.tenant].outcome(action)
        return outcome is not None and outcome.result is Result.UNCHANGED

    def has_succeeded(self, action: Action) -> bool:
        """Whether the action is done, or had nothing left to do."""
        outcome = self._entries[action.tenant].outcome(action)
        return outcome is not None and outcome.result in (Result.APPLIED, Result.UNCHANGED)

    def failed(self, action: Action, error: ReconcilerError) -> None:
        """The action failed, and the tenant with it. An action not sent because the run ended is skipped.

        A refused key that has already changed the tenant's project is valid: somebody has moved the project.
        """
        if isinstance(error, NotSentError):
            self.skipped(action, self._stopped())
            return
        request_id = error.request_id if isinstance(error, WITH_REQUEST_ID) else None
        entry = self._entries[action.tenant]
        key_works = any(outcome.result is Result.APPLIED for outcome in entry.outcomes)
        denied = error.exit_code is ExitCode.DENIED and not key_works
        self._put(entry, action, Result.FAILED, str(error), error.hint, request_id=request_id, denied=denied)
        self._breaker.tenant_failed(error, self._stop, first=not entry.counted)
        entry.counted = True
        entry.failed = not isinstance(error, LostRaceError)
        self._finish(entry, last=True)

    def skipped(self, action: Action, message: str, hint: str | None = None) -> None:
        """The action is skipped, and the tenant's later actions with it."""
        self._record(action, Result.SKIPPED, message, hint, last=True)

    def located(self, tenant: str, project_id: str) -> None:
        """Records the id of the tenant's project."""
        self._entries[tenant].project_id = project_id

    def failures(self, tenants: Iterable[str]) -> int:
        """The number of these tenants that failed. A tenant that lost a race to another run has its project."""
        return sum(self._entries[tenant].failed for tenant in tenants)

    def end(self, tenants: Iterable[str]) -> None:
        """Nothing more happens to these tenants: tells the listener, also what was never tried."""
        if self._listener is None:
            return
        for entry in (self._entries[tenant] for tenant in tenants):
            if not entry.announced:
                entry.announced = True
                ended = self._of_tenant(entry)
                for outcome in ended.actions:
                    if entry.outcome(outcome.action) is None:
                        self._listener.action(outcome)
                self._listener.tenant(ended)

    def of_tenant(self, tenant: str) -> TenantOutcome:
        """The outcome of a tenant of the plan as far as the run has come."""
        return self._of_tenant(self._entries[tenant])

    def of_tenants(self) -> tuple[TenantOutcome, ...]:
        """The outcome of each tenant of the plan. What was never tried is skipped."""
        return tuple(self._of_tenant(entry) for entry in self._entries.values())

    def _of_tenant(self, entry: _Entry) -> TenantOutcome:
        why = self._why_skipped(entry)
        actions = with_lost_snapshots(
            [entry.outcome(action) or ActionOutcome(action, Result.SKIPPED, why) for action in entry.plan.actions]
        )
        plan = entry.plan
        return TenantOutcome(
            plan.tenant, _result(actions), actions, entry.project_id, entry.deletion, plan.revision
        )

    def _why_skipped(self, entry: _Entry) -> str:
        if any(outcome.result in (Result.FAILED, Result.SKIPPED) for outcome in entry.outcomes):
            return "an earlier action of this tenant did not succeed"
        return self._stopped()

    def _stopped(self) -> str:
        return f"the run was stopped: {self._stop.reason}"

    def _record(
        self, action: Action, result: Result, message: str, hint: str | None = None, *, last: bool = False
    ) -> None:
        entry = self._entries[action.tenant]
        self._put(entry, action, result, message, hint)
        self._finish(entry, last=last)

    def _put(
        self,
        entry: _Entry,
        action: Action,
        result: Result,
        message: str,
        hint: str | None = None,
        **more: Any,
    ) -> None:
        if not entry.record(action, result, message, hint, **more) or self._listener is None:
            return
        for outcome in entry.so_far:
            if outcome.action == action:
                self._listener.action(outcome)

    def _finish(self, entry: _Entry, *, last: bool) -> None:
        """``last``: the tenant's later actions are not tried."""
        if entry.finished or not (last or len(entry.outcomes) == len(entry.plan.actions)):
            return
        entry.finished = True
        self._finished += 1
        if self._on_progress:
            self._on_progress(self._finished, len(self._entries), "tenants")


def _result(actions: tuple[ActionOutcome, ...]) -> Result:
    results = {outcome.result for outcome in actions}
    for decisive in (Result.FAILED, Result.SKIPPED, Result.APPLIED):
        if decisive in results:
            return decisive
    return Result.UNCHANGED


def with_lost_snapshots(outcomes: Sequence[ActionOutcome]) -> tuple[ActionOutcome, ...]:
    """A tenant's outcomes in order. A snapshot that was not created names those deleted for it."""
    return tuple(_with_loss(outcomes))


def _with_loss(outcomes: Sequence[ActionOutcome]) -> Iterator[ActionOutcome]:
    """Each deletion comes before the creation that it makes room for."""
    deleted: list[str] = []
    for outcome in outcomes:
        if outcome.action.stage is Stage.REPLACE_SNAPSHOT and outcome.result is Result.APPLIED:
            deleted.append(_name(outcome.action))
        if outcome.action.stage is not Stage.CREATE_SNAPSHOT or not deleted:
            yield outcome
        elif outcome.result is Result.APPLIED:
            deleted.clear()
            yield outcome
        else:
            yield replace(outcome, message=f"{outcome.message}; {_lost(deleted)}")


def _name(action: Action) -> str:
    match action:
        case DeleteSnapshot():
            return action.snapshot
        case DeleteBranch():
            return action.branch
        case _:
            raise TypeError(f"{action.kind} deletes no snapshot")


def _lost(names: Sequence[str]) -> str:
    listed = " and ".join(repr(name) for name in names)
    plural = "s" if len(names) > 1 else ""
    return f"the tenant no longer has snapshot{plural} {listed}: deleted to make room"
