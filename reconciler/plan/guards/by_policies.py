"""The user's own policies: the last guard. It refuses what a policy denies, and what depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.values import replace
from reconciler.plan.guards.context import Verdict
from reconciler.plan.guards.tenant import refuse
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.guards.context import TenantContext
    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.plan.policies import Denial, PolicyFindings


def without_denied(
    plan: Plan, found: PolicyFindings, context: Callable[[TenantPlan], TenantContext], *, together: bool = False
) -> Plan:
    """Return the plan with denied actions moved to its refusals, and with the warnings.

    ``together``: the actions of a tenant are carried out together or not at all.
    """
    kept: list[TenantPlan] = []
    refusals: list[Refusal] = []
    for planned in plan.tenants:
        denied = _denied(planned, found)
        if not denied:
            kept.append(planned)
            continue
        if together:
            denied = dict.fromkeys(planned.actions, next(iter(denied.values())))
        left, refused = refuse(context(planned), denied)
        refusals += refused
        kept += [left] if left.actions else []
    return replace(
        plan,
        tenants=tuple(kept),
        refusals=(*plan.refusals, *refusals),
        warnings=(*plan.warnings, *found.warnings),
    )


def without_denied_actions(plan: Plan, found: PolicyFindings) -> Plan:
    """The same, without what depends on denied actions: for a plan that nobody applies."""
    kept: list[TenantPlan] = []
    refusals: list[Refusal] = []
    for planned in plan.tenants:
        denied = _denied(planned, found)
        left = tuple(action for action in planned.actions if action not in denied)
        kept += [replace(planned, actions=left)] if left else []
        for verdict in dict.fromkeys(denied.values()):
            actions = tuple(action for action, why in denied.items() if why == verdict)
            refusals.append(Refusal(verdict.rule, (planned.tenant,), verdict.message, verdict.remedy, actions))
    return replace(plan, tenants=tuple(kept), refusals=(*plan.refusals, *refusals), warnings=found.warnings)


def _denied(planned: TenantPlan, found: PolicyFindings) -> Mapping[Action, Verdict]:
    of_tenant = found.tenants.get(planned.tenant, ())
    denials = ((action, (*of_tenant, *found.actions.get(action, ()))) for action in planned.actions)
    return {action: _verdict(why) for action, why in denials if why}


def _verdict(denials: Sequence[Denial]) -> Verdict:
    """The verdict of all policies that deny the same, in the order of their names."""
    ordered = sorted(denials, key=lambda one: (one.policy, one.message))
    places = ", ".join(dict.fromkeys(str(one.source) for one in ordered))
    return Verdict(
        Rule.POLICY,
        "; ".join(dict.fromkeys(map(str, ordered))),
        f"change the files so that they comply; or first change the policy in a commit of its own ({places})",
    )
