"""The tally of a run: what has become of every action so far, tenant by tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.apply.cover import with_losses
from reconciler.errors import ApiError, ExitCode, LostRaceError, NotSentError, UnknownOutcomeError
from reconciler.plan.outcome import ActionOutcome, Result, TenantOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.apply.stop import Breaker, StopSignal
    from reconciler.errors import ReconcilerError
    from reconciler.plan.action import Action
    from reconciler.plan.outcome import Deletion
    from reconciler.plan.plan import TenantPlan


@dataclass(slots=True)
class _Entry:
    plan: TenantPlan
    project_id: str | None
    outcomes: dict[Action, ActionOutcome] = field(default_factory=dict)
    finished: bool = False
    heard_of: bool = False
    """Whether the breaker counts it already."""
    deletion: Deletion | None = None
    failed: bool = False

    def put(self, action: Action, result: Result, message: str, hint: str | None = None, **more: Any) -> None:
        """The first outcome of an action is the one that counts."""
        self.outcomes.setdefault(action, ActionOutcome(action, result, message, hint, **more))


class Tally:
    """Collects outcomes in any order, and gives them out in the order of the plan."""

    def __init__(
        self,
        tenants: tuple[TenantPlan, ...],
        *,
        breaker: Breaker,
        stop: StopSignal,
        on_progress: Callable[[int, int, str], None] | None = None,
    ) -> None:
        self._entries = {plan.tenant: _Entry(plan, plan.project.id if plan.project else None) for plan in tenants}
        self._breaker = breaker
        self._stop = stop
        self._on_progress = on_progress
        self._finished = 0

    def went_well(self, tenant: str) -> None:
        """A call for the tenant was carried out, although its action is not over."""
        entry = self._entries[tenant]
        self._breaker.went_well(first=not entry.heard_of)
        entry.heard_of = True

    def applied(
        self,
        action: Action,
        message: str = "",
        *,
        request_id: str | None = None,
        deletion: Deletion | None = None,
    ) -> None:
        """The action is done; ``deletion`` is the record of a project that it deleted."""
        entry = self._entries[action.tenant]
        entry.put(action, Result.APPLIED, message, request_id=request_id)
        entry.deletion = deletion
        self.went_well(action.tenant)
        self._finish(entry, over=False)

    def unchanged(self, action: Action, message: str) -> None:
        """Nothing was left to do for the action when its turn came."""
        self._entries[action.tenant].put(action, Result.UNCHANGED, message)
        self._finish(self._entries[action.tenant], over=False)

    def held(self, action: Action, message: str, hint: str) -> None:
        """The action is refused by now; the tenant's others go ahead."""
        self._entries[action.tenant].put(action, Result.SKIPPED, message, hint)
        self._finish(self._entries[action.tenant], over=False)

    def is_unchanged(self, action: Action) -> bool:
        """Whether nothing was left to do for the action."""
        outcome = self._entries[action.tenant].outcomes.get(action)
        return outcome is not None and outcome.result is Result.UNCHANGED

    def failed(self, action: Action, error: ReconcilerError) -> None:
        """The action failed, and with it the tenant; one that was not sent any more is only skipped."""
        if isinstance(error, NotSentError):
            self.skipped(action, self._stopped())
            return
        request_id = error.request_id if isinstance(error, ApiError | UnknownOutcomeError) else None
        denied = error.exit_code is ExitCode.DENIED
        entry = self._entries[action.tenant]
        entry.put(action, Result.FAILED, str(error), error.hint, request_id=request_id, denied=denied)
        self._breaker.failed_with(error, self._stop, first=not entry.heard_of)
        entry.heard_of = True
        entry.failed = not isinstance(error, LostRaceError)
        self._finish(entry, over=True)

    def skipped(self, action: Action, message: str, hint: str | None = None) -> None:
        """The action is not taken, nor are the tenant's later ones."""
        entry = self._entries[action.tenant]
        entry.put(action, Result.SKIPPED, message, hint)
        self._finish(entry, over=True)

    def located(self, tenant: str, project_id: str) -> None:
        """The id of the tenant's project has become known."""
        self._entries[tenant].project_id = project_id

    def failures(self, tenants: Iterable[str]) -> int:
        """How many of these tenants failed; one that lost a race to another run has its project."""
        return sum(self._entries[tenant].failed for tenant in tenants)

    def outcomes(self) -> tuple[TenantOutcome, ...]:
        """Of every tenant of the plan; what was never tried is skipped."""
        return tuple(self._outcome(entry) for entry in self._entries.values())

    def _outcome(self, entry: _Entry) -> TenantOutcome:
        why = self._why_not(entry)
        rest = {action: ActionOutcome(action, Result.SKIPPED, why) for action in entry.plan.actions}
        actions = with_losses([entry.outcomes.get(action, rest[action]) for action in entry.plan.actions])
        plan = entry.plan
        return TenantOutcome(
            plan.tenant, _result(actions), actions, entry.project_id, entry.deletion, plan.revision
        )

    def _why_not(self, entry: _Entry) -> str:
        if any(outcome.result in (Result.FAILED, Result.SKIPPED) for outcome in entry.outcomes.values()):
            return "an earlier action of this tenant did not go through"
        return self._stopped()

    def _stopped(self) -> str:
        return f"the run was stopped: {self._stop.reason}"

    def _finish(self, entry: _Entry, *, over: bool) -> None:
        """``over`` where no action of the tenant comes after."""
        if entry.finished or not (over or len(entry.outcomes) == len(entry.plan.actions)):
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
