"""The guards: refuse actions before the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.selection import Selection
from reconciler.model.values import replace
from reconciler.plan.applied import waiting
from reconciler.plan.budget import estimate
from reconciler.plan.guards import counted, fleet, tenant
from reconciler.plan.guards.context import TenantContext
from reconciler.plan.guards.occasions import notes_of_reduced
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.plan.policies import PolicyJudge


def guard(
    plan: Plan,
    desired: DesiredState,
    live: LiveState,
    permissions: Permissions = Permissions(),
    *,
    history: History = History(),
    selection: Selection = Selection(),
    strict: bool = False,
    now: datetime | None = None,
    policies: PolicyJudge | None = None,
) -> Plan:
    """Return the plan with refused actions moved to its refusals; all others stay.

    ``history`` and ``selection`` are those that the plan was made with. ``strict`` refuses everything if anything
    is refused or in conflict. ``now`` ends acceptances that have a last day, boosts and holds. ``policies`` judge
    what the guards leave.
    """
    desired = desired.at(now)
    judged = guard_tenants(plan, desired, live, permissions, history=history, now=now)
    kept: Sequence[TenantPlan] = judged.tenants
    refusals = list(judged.refusals[len(plan.refusals) :])
    context = counted.FleetContext(plan, desired, live, permissions, history, selection)
    for rule in fleet.RULES:
        found = list(rule(kept, context))
        refused = {name for refusal in found for name in refusal.tenants}
        kept = [planned for planned in kept if planned.tenant not in refused]
        refusals += found
    if policies is not None:
        from reconciler.plan.guards.by_policies import without_denied  # noqa: PLC0415 - for a fleet with policies only

        left = replace(judged, tenants=tuple(kept), refusals=())
        contexts = _contexts(judged, desired, live, permissions, history, now)
        judged = without_denied(left, policies.of_plan(left), contexts)
        kept, refusals = judged.tenants, [*refusals, *judged.refusals]
    refusals = [_marked_if_uncommitted(refusal, history) for refusal in (*plan.refusals, *refusals)]
    judged_plan = replace(judged, tenants=tuple(kept), refusals=tuple(refusals))
    if strict and (because := _obstacles(refusals, plan)):
        judged_plan = with_all_refused(judged_plan, because)
    judged_plan = replace(judged_plan, waiting=waiting(judged_plan, desired, history, selection))
    return replace(judged_plan, budget=estimate(judged_plan.tenants, desired, live))


def guard_tenants(
    plan: Plan,
    desired: DesiredState,
    live: LiveState,
    permissions: Permissions,
    *,
    history: History,
    now: datetime | None,
    policies: PolicyJudge | None = None,
) -> Plan:
    """Apply only the guards that judge one tenant at a time; the guards that count are left out.

    ``policies`` judge the tenants of a late turn.
    """
    contexts = _contexts(plan, desired, live, permissions, history, now)
    judged = [tenant.judge(contexts(planned)) for planned in plan.tenants]
    kept = tuple(planned for planned, _ in judged if planned.actions)
    refusals = (refusal for _, found in judged for refusal in found)
    found = tuple(refusals)
    shown = {(name, one.message) for one in found if one.rule is Rule.HELD for name in one.tenants}
    notes = tuple(note for note in plan.notes if (note.tenant, note.message) not in shown)
    notes = notes_of_reduced(notes, kept)
    left = replace(plan, tenants=kept, refusals=(*plan.refusals, *found), notes=notes)
    if policies is None:
        return left
    from reconciler.plan.guards.by_policies import without_denied  # noqa: PLC0415 - as above

    return without_denied(left, policies.of_turn(left), contexts)


def _contexts(
    plan: Plan,
    desired: DesiredState,
    live: LiveState,
    permissions: Permissions,
    history: History,
    now: datetime | None,
) -> Callable[[TenantPlan], TenantContext]:
    """Return what makes the context of each tenant of a plan."""
    seen, only = _without_pinned(live, desired), plan.coverage.only
    return lambda planned: TenantContext(planned, desired, seen, permissions, history, only, now)


def _marked_if_uncommitted(refusal: Refusal, history: History) -> Refusal:
    """Mark refusals of tenants whose files git does not hold: their drift would otherwise fail every run."""
    by_itself = refusal.rule in (Rule.LOWERING_NEEDS_A_CAUSE, Rule.MOVE_NEEDS_A_CAUSE, Rule.MISSING_PROJECT)
    uncommitted = by_itself and history.uncommitted.issuperset(refusal.tenants)
    return replace(refusal, uncommitted=True) if uncommitted else refusal


def with_all_refused(plan: Plan, because: str) -> Plan:
    """Return the plan with all its actions refused: ``--strict`` applies all or nothing."""
    if plan.empty:
        return plan
    return replace(plan, tenants=(), refusals=(*plan.refusals, _all_or_nothing(plan.tenants, because)))


def _obstacles(refusals: Sequence[Refusal], plan: Plan) -> str:
    """Count what prevents a strict run; drift that is only reported is not a refusal."""
    refused = sum(refusal.asked_for for refusal in refusals)
    counted = ((refused, "refusal"), (len(plan.conflicts), "conflict"))
    return " and ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counted if count)


def _all_or_nothing(kept: Sequence[TenantPlan], because: str) -> Refusal:
    tenants = tuple(planned.tenant for planned in kept)
    return Refusal(
        Rule.STRICT,
        tenants,
        f"--strict applies all or nothing, and there {_is_or_are(because)} also {because}",
        "resolve the others first, or run without --strict",
        tuple(action for planned in kept for action in planned.actions),
    )


def _is_or_are(counted: str) -> str:
    return "is" if counted.startswith("1 ") and " and " not in counted else "are"


def _without_pinned(live: LiveState, desired: DesiredState) -> LiveState:
    pinned = desired.pinned_by
    return replace(live, unknown=tuple(unknown for unknown in live.unknown if unknown.id not in pinned))
