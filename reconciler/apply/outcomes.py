"""The outcomes of a run: what became of each action, tenant by tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import structs

from reconciler.errors import ApiError, ExitCode, LostRaceError, NotSentError, UnknownOutcomeError
from reconciler.plan.action import DeleteBranch, DeleteSnapshot
from reconciler.plan.outcome import ActionOutcome, Result, TenantOutcome
from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
    counted: bool = False
    """Whether the breaker has counted the tenant."""
    deletion: Deletion | None = None
    failed: bool = False

    def record(self, action: Action, result: Result, message: str, hint: str | None = None, **more: Any) -> None:
        """Records an outcome. The first one of an action is final."""
        self.outcomes.setdefault(action, ActionOutcome(action, result, message, hint, **more))


class Outcomes:
    """Collects outcomes in any order and returns them in the order of the plan."""

    def __init__(
        self,
        tenants: tuple[TenantPlan, ...],
        *,
        breaker: Breaker,
        stop: StopSignal,
        on_progress: Callable[[int, int, str], None] | None = None,
    ) -> None:
        """``on_progress`` gets the numbers of finished and of all tenants, and the word "tenants"."""
        self._entries = {plan.tenant: _Entry(plan, plan.project.id if plan.project else None) for plan in tenants}
        self._breaker = breaker
        self._stop = stop
        self._on_progress = on_progress
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
        entry.record(action, Result.APPLIED, message, request_id=request_id)
        entry.deletion = deletion
        self.call_succeeded(action.tenant)
        self._finish(entry, last=False)

    def unchanged(self, action: Action, message: str) -> None:
        """The action had nothing left to do."""
        self._entries[action.tenant].record(action, Result.UNCHANGED, message)
        self._finish(self._entries[action.tenant], last=False)

    def refused(self, action: Action, message: str, hint: str) -> None:
        """A guard now refuses the action. The tenant's other actions go ahead."""
        self._entries[action.tenant].record(action, Result.SKIPPED, message, hint)
        self._finish(self._entries[action.tenant], last=False)

    def is_unchanged(self, action: Action) -> bool:
        """Whether the action was recorded as unchanged."""
        outcome = self._entries[action.tenant].outcomes.get(action)
        return outcome is not None and outcome.result is Result.UNCHANGED

    def failed(self, action: Action, error: ReconcilerError) -> None:
        """The action failed, and the tenant with it. An action not sent because the run ended is skipped."""
        if isinstance(error, NotSentError):
            self.skipped(action, self._stopped())
            return
        request_id = error.request_id if isinstance(error, ApiError | UnknownOutcomeError) else None
        denied = error.exit_code is ExitCode.DENIED
        entry = self._entries[action.tenant]
        entry.record(action, Result.FAILED, str(error), error.hint, request_id=request_id, denied=denied)
        self._breaker.tenant_failed(error, self._stop, first=not entry.counted)
        entry.counted = True
        entry.failed = not isinstance(error, LostRaceError)
        self._finish(entry, last=True)

    def skipped(self, action: Action, message: str, hint: str | None = None) -> None:
        """The action is skipped, and the tenant's later actions with it."""
        entry = self._entries[action.tenant]
        entry.record(action, Result.SKIPPED, message, hint)
        self._finish(entry, last=True)

    def located(self, tenant: str, project_id: str) -> None:
        """Records the id of the tenant's project."""
        self._entries[tenant].project_id = project_id

    def failures(self, tenants: Iterable[str]) -> int:
        """The number of these tenants that failed. A tenant that lost a race to another run has its project."""
        return sum(self._entries[tenant].failed for tenant in tenants)

    def of_tenants(self) -> tuple[TenantOutcome, ...]:
        """The outcome of each tenant of the plan. What was never tried is skipped."""
        return tuple(self._of_tenant(entry) for entry in self._entries.values())

    def _of_tenant(self, entry: _Entry) -> TenantOutcome:
        why = self._why_skipped(entry)
        rest = {action: ActionOutcome(action, Result.SKIPPED, why) for action in entry.plan.actions}
        actions = with_lost_snapshots([entry.outcomes.get(action, rest[action]) for action in entry.plan.actions])
        plan = entry.plan
        return TenantOutcome(
            plan.tenant, _result(actions), actions, entry.project_id, entry.deletion, plan.revision
        )

    def _why_skipped(self, entry: _Entry) -> str:
        if any(outcome.result in (Result.FAILED, Result.SKIPPED) for outcome in entry.outcomes.values()):
            return "an earlier action of this tenant did not succeed"
        return self._stopped()

    def _stopped(self) -> str:
        return f"the run was stopped: {self._stop.reason}"

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
    deleted = [_name(o.action) for o in outcomes if o.result is Result.APPLIED and _made_room(o.action)]
    if not deleted:
        return tuple(outcomes)
    told = _lost(deleted)
    return tuple(structs.replace(o, message=f"{o.message}; {told}") if _not_created(o) else o for o in outcomes)


def _made_room(action: Action) -> bool:
    return action.stage is Stage.REPLACE_SNAPSHOT


def _not_created(outcome: ActionOutcome) -> bool:
    return outcome.action.stage is Stage.CREATE_SNAPSHOT and outcome.result is not Result.APPLIED


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
