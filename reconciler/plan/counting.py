"""A plan, the files and live state -> the overview of the fleet. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.values import replace
from reconciler.plan.actions.project import (
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.plan import OrganizationRoom, Overview, TierOverview

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan, TenantPlan


def with_overview(plan: Plan, desired: DesiredState, selection: Selection, listed: Mapping[str, int]) -> Plan:
    """Return the plan with its overview. ``listed`` counts the projects of each completely listed organization."""
    named = _Named(plan)
    return replace(
        plan,
        overview=Overview(
            tiers=tuple(_tiers(desired, selection, named)),
            organizations=tuple(_rooms(plan, desired, listed)),
            tier_of={name: desired.tenants[name].tier for name in sorted(named.all & desired.tenants.keys())},
        ),
    )


class _Named:
    """The tenants that a plan names."""

    def __init__(self, plan: Plan) -> None:
        self.changed = {planned.tenant for planned in plan.tenants}
        self.refused = {name for refusal in plan.refusals for name in refusal.tenants}
        self.undecided = {conflict.tenant for conflict in plan.conflicts}
        waiting = {name for one in plan.waiting for name in one.tenants}
        noted = {note.tenant for note in plan.notes if note.tenant is not None}
        self.all = self.changed | self.refused | self.undecided | waiting | noted

    def state(self, tenant: Tenant, selection: Selection) -> str:
        """Return the member of TierOverview that counts the tenant."""
        if tenant.name in self.undecided:
            return "undecided"
        if tenant.name in self.changed:
            return "changed"
        if tenant.name in self.refused:
            return "refused"
        if not selection.includes(tenant):
            return "left_out"
        if tenant.absent:
            return "absent"
        return "suspended" if tenant.suspended else "unchanged"


def _tiers(desired: DesiredState, selection: Selection, named: _Named) -> Iterator[TierOverview]:
    counts = {tier: Counter[str]() for tier in desired.tiers}
    unchanged = desired.plain - named.all if selection.everything else frozenset[str]()
    for name, tenant in desired.tenants.items():
        state = "unchanged" if name in unchanged else named.state(tenant, selection)
        counts.setdefault(tenant.tier, Counter())[state] += 1
    for tier, states in counts.items():
        yield TierOverview(tier, states.total(), **states)


def _rooms(plan: Plan, desired: DesiredState, listed: Mapping[str, int]) -> Iterator[OrganizationRoom]:
    added: Counter[str] = Counter()
    for planned in plan.tenants:
        for action in planned.actions:
            for where, count in _moved(action, planned):
                added[where] += count
    for name, organization in desired.organizations.items():
        if name in listed:
            yield OrganizationRoom(name, listed[name], listed[name] + added[name], organization.limits.projects)


def _moved(action: Action, planned: TenantPlan) -> Iterator[tuple[str, int]]:
    """Yield how many projects the action adds to an organization."""
    if isinstance(action, CreateProject):
        yield action.organization, 1
    elif isinstance(action, DeleteDuplicate):
        yield action.organization, -1
    elif isinstance(action, TransferProject):
        yield from ((action.origin, -1), (action.destination, 1))
    elif planned.project is not None and isinstance(action, DeleteProject | RecoverProject):
        yield planned.project.organization, 1 if isinstance(action, RecoverProject) else -1
