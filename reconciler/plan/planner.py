"""make_plan: the differences between desired and live state, as actions in order.

Total and deterministic: the same inputs give the same plan. It plans everything that differs;
what must not go ahead is held back afterwards, by the guards.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.desired.selection import Selection
from reconciler.desired.tier import OrganizationLimits
from reconciler.plan import lifecycle, survey, wanted
from reconciler.plan.budget import estimate
from reconciler.plan.concerns import NAMES
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.converge import Convergence, in_sync
from reconciler.plan.identity import identify
from reconciler.plan.plan import Plan, TenantPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import Conflict, Orphan


def make_plan(
    desired: DesiredState,
    live: LiveState,
    *,
    base: DesiredState | None = None,
    selection: Selection = Selection(),
    only: Iterable[str] = NAMES,
    prune: bool = False,
) -> Plan:
    """Plan everything that differs, for the selected tenants and the concerns named in ``only``.

    ``base`` is the desired state at an earlier commit: a difference is the files' doing where they
    changed since, drift where they did not. ``prune`` plans the deletion of owned orphans.
    """
    identities = identify(desired, live)
    tenants = [tenant for tenant in desired.tenants.values() if selection.includes(tenant)]
    mismatches = _mismatches(tenants, identities)
    orphans = survey.orphans(desired, identities) if selection.everything and live.listed else ()
    planner = _Planner(desired, base, frozenset(only), identities)
    plans = [planner.tenant(tenant) for tenant in tenants if tenant.name not in mismatches]
    if prune:
        plans += _prunings(desired, orphans)
    plans = sorted((plan for plan in plans if plan.actions), key=lambda plan: plan.tenant)
    return Plan(
        fleet=desired.fleet,
        tenants=tuple(plans),
        refusals=(),
        conflicts=_conflicts(tenants, {**identities.conflicts, **mismatches}),
        orphans=orphans,
        notes=tuple(survey.notes(desired, live, tenants, identities)),
        coverage=survey.coverage(desired, live, tenants, identities),
        budget=estimate(plans, desired, live),
    )


class _Planner:
    def __init__(
        self, desired: DesiredState, base: DesiredState | None, only: frozenset[str], identities: Identities
    ) -> None:
        self._desired = desired
        self._base = base
        self._only = only
        self._identities = identities

    def tenant(self, tenant: Tenant) -> TenantPlan:
        project = self._identities.projects.get(tenant.name)
        return TenantPlan(tenant.name, project, self._actions(tenant, project))

    def _actions(self, tenant: Tenant, project: LiveProject | None) -> tuple[Action, ...]:
        lifecycles = PROJECT.name in self._only
        if tenant.absent:
            doomed = project if lifecycles else None
            return (lifecycle.delete(self._desired, tenant, doomed.id, self._before(tenant)),) if doomed else ()
        if project is not None:
            return self._converge(tenant, project)
        if lifecycles and self._identities.missing(tenant):
            return (lifecycle.create(self._desired, tenant, self._before(tenant)),)
        return ()

    def _before(self, tenant: Tenant) -> Fields | None:
        return wanted.base_fields(self._base, tenant.name)

    def _converge(self, tenant: Tenant, project: LiveProject) -> tuple[Action, ...]:
        settings = self._desired.settings(tenant)
        if in_sync(settings, project):
            return ()
        return Convergence(
            tenant=tenant,
            settings=settings,
            project=project,
            now=wanted.fields(self._desired, tenant),
            before=self._before(tenant),
            only=self._only,
            here=self._limits(project.organization),
            there=self._limits(settings.organization),
        ).actions()

    def _limits(self, organization: str) -> OrganizationLimits:
        known = self._desired.organizations.get(organization)
        return OrganizationLimits() if known is None else known.limits


def _mismatches(tenants: Iterable[Tenant], identities: Identities) -> dict[str, Conflict]:
    found = ((t, identities.projects.get(t.name)) for t in tenants if not t.absent)
    conflicts = (survey.pin_mismatch(tenant, project) for tenant, project in found if project)
    return {conflict.tenant: conflict for conflict in conflicts if conflict}


def _conflicts(tenants: Iterable[Tenant], found: Mapping[str, Conflict]) -> tuple[Conflict, ...]:
    return tuple(found[tenant.name] for tenant in tenants if tenant.name in found)


def _prunings(desired: DesiredState, orphans: Iterable[Orphan]) -> list[TenantPlan]:
    """Deletions of owned orphans. Two that speak of one tenant are left to a person."""
    count = Counter(orphan.tenant for orphan in orphans)
    return [
        TenantPlan(orphan.tenant, orphan.project, (_prune(desired, orphan),))
        for orphan in orphans
        if orphan.owned and count[orphan.tenant] == 1 and orphan.tenant not in desired.tenants
    ]


def _prune(desired: DesiredState, orphan: Orphan) -> Action:
    source = desired.organizations[orphan.project.organization].location
    return lifecycle.prune(orphan.tenant, orphan.project.id, source)
