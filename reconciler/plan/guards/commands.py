"""Guards of a plan that a command asks for: a person is the cause, and the files still protect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.model.values import replace
from reconciler.plan.budget import estimate
from reconciler.plan.guards.cause import protection_of
from reconciler.plan.guards.context import TenantContext
from reconciler.plan.guards.holds import on_hold
from reconciler.plan.guards.tenant import stale_revision
from reconciler.plan.history import History
from reconciler.plan.plan import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.guards.context import Verdict
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.plan.policies import PolicyJudge


def guard_command(
    plan: Plan,
    desired: DesiredState,
    live: LiveState,
    permissions: Permissions,
    *,
    history: History = History(),
    now: datetime | None = None,
    policies: PolicyJudge | None = None,
    late: bool = False,
) -> Plan:
    """Return the plan with the actions of a refused tenant moved to its refusals. ``late``: in a late turn."""
    kept: list[TenantPlan] = []
    refusals: list[Refusal] = []
    for planned in plan.tenants:
        revision = desired.tenants[planned.tenant].revision
        context = TenantContext(replace(planned, revision=revision), desired, live, permissions, history, now=now)
        verdict = next((found for rule in RULES if (found := rule(context))), None)
        if verdict is None:
            kept.append(planned)
        else:
            refusals.append(
                Refusal(verdict.rule, (planned.tenant,), verdict.message, verdict.remedy, planned.actions)
            )
    left = replace(plan, tenants=tuple(kept), refusals=(*plan.refusals, *refusals))
    if policies is not None:
        from reconciler.plan.guards.by_policies import without_denied  # noqa: PLC0415 - for a fleet with policies only

        findings = policies.of_turn(left) if late else policies.of_plan(left)
        left = without_denied(
            left,
            findings,
            lambda planned: TenantContext(planned, desired, live, permissions, history, now=now),
            together=True,
        )
    return replace(left, budget=estimate(left.tenants, desired, live))


def _protected(context: TenantContext) -> Verdict | None:
    """Refuse reductions of a tenant that the files protect, now or at the base."""
    if not any(action.lowering for action in context.planned.actions):
        return None
    return protection_of(context)


CommandRule: TypeAlias = "Callable[[TenantContext], Verdict | None]"
RULES: Final[tuple[CommandRule, ...]] = (on_hold, stale_revision, _protected)
"""In this order: only the first verdict is reported. Whose project it is was proven before."""
