"""The guards: what must not go ahead, decided before anything is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.plan.budget import estimate
from reconciler.plan.guards import fleet, tenant
from reconciler.plan.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan, Refusal, TenantPlan


def guard(plan: Plan, desired: DesiredState, live: LiveState, permissions: Permissions = Permissions()) -> Plan:
    """The same plan with what is refused moved from its actions to its refusals; the rest goes ahead."""
    seen = _without_pinned(live, desired)
    judged = [tenant.judge(planned, desired, seen, permissions) for planned in plan.tenants]
    kept: Sequence[TenantPlan] = [planned for planned, _ in judged if planned.actions]
    refusals: list[Refusal] = [refusal for _, found in judged for refusal in found]
    bench = fleet.Bench(plan, desired, live, permissions)
    for rule in fleet.RULES:
        found = list(rule(kept, bench))
        refused = {name for refusal in found for name in refusal.tenants}
        kept = [planned for planned in kept if planned.tenant not in refused]
        refusals += found
    return replace(
        plan,
        tenants=tuple(kept),
        refusals=(*plan.refusals, *refusals),
        budget=estimate(kept, desired, live),
    )


def _without_pinned(live: LiveState, desired: DesiredState) -> LiveState:
    """The view less the unknown projects of which a tenant's file says whose they are."""
    pins = {declared.project_id for declared in desired.tenants.values()}
    return replace(live, unknown=tuple(unknown for unknown in live.unknown if unknown.id not in pins))
