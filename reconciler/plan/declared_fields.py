"""Every field that the files declare for one tenant, and whether a live project has another tier's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from reconciler.desired.roster import with_names
from reconciler.model.values import replace
from reconciler.plan.concerns import (
    CONCERNS,
    branches,
    compute,
    databases,
    idle_branches,
    old_branches,
    organization,
    quota,
    replicas,
    snapshots,
)
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.tenant_history import STATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value
    from reconciler.plan.concerns.concern import Stated

MOST_KEPT: Final = 1024
"""Tenants of one state whose fields are kept, which are large."""
RECOVER = "recover"
PINS = ("region", "pg_version", "database", "role", "branch")
"""Fields that apply at a project's creation only."""
BOOSTED = (quota.QUOTA, compute.COMPUTE)
"""The concerns that a boost raises."""
PRESENT, SUSPENDED, ABSENT = "present", "suspended", "absent"


def fields(desired: DesiredState, tenant: Tenant) -> Stated:
    """Return every managed field of the tenant; of a tombstone, only its state.

    A plan asks several times for those of a tenant that changes; of so many tenants, they are kept.
    """
    if desired.tenants.get(tenant.name) is not tenant:
        return _fields(desired, tenant)
    kept = cast("dict[str, Stated]", desired.fields)
    found = kept.get(tenant.name)
    if found is None:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        found = kept[tenant.name] = _fields(desired, tenant)
    return found


def _fields(desired: DesiredState, tenant: Tenant) -> Stated:
    if tenant.absent:
        return {STATE: ABSENT}
    settings = desired.settings(tenant)
    managed = [concern.wanted(settings) for concern in CONCERNS]
    return {
        STATE: SUSPENDED if tenant.suspended else PRESENT,
        **({} if tenant.recover is None else {RECOVER: tenant.recover}),
        organization.PATH: Assignment(settings.organization, desired.allowed(tenant.tier), tenant.tier),
        **{path: value for concern in managed for path, value in concern.items()},
        **{word: value for word in PINS if (value := getattr(tenant.pins, word)) is not None},
        **replicas.wanted(settings),
        **branches.wanted(settings),
        **old_branches.wanted(settings),
        **idle_branches.wanted(settings),
        **databases.wanted(settings),
        **snapshots.wanted(settings),
    }


def fields_in(files: DesiredState, tenant: str) -> Stated | None:
    """Return what the files declare for a tenant; empty if nothing, None if they are broken for it."""
    if tenant in files.held_back:
        return None
    known = files.tenants.get(tenant)
    return {} if known is None else fields(files, known)


def before_ends(files: DesiredState, tenant: str) -> frozenset[tuple[str, Value]]:
    """Return the fields of quota and compute with the values that the tenant had until one of its boosts ended."""
    known = files.tenants.get(tenant)
    if known is None or known.absent or not known.boosts:
        return frozenset()
    earlier = files.settings_before_ends(known)
    return frozenset(pair for settings in earlier for one in BOOSTED for pair in one.wanted(settings).items())


def changed_since(desired: DesiredState, base: DesiredState) -> frozenset[str]:
    """Return the tenants whose declared fields changed since the base, including their tier.

    Also those for which the files now allow or hold back another change.
    """
    differing = base.differing(desired) if _resolve_alike(desired, base) else None
    apart = desired.tenants if differing is None else {*differing, *base.held_back}
    tenants = with_names(desired.tenants, apart)
    return frozenset(tenant.name for tenant in tenants if _changed(desired, base, tenant))


def _resolve_alike(desired: DesiredState, base: DesiredState) -> bool:
    """Return whether a tenant has the same fields in both if both declare the same for it."""
    return (
        not (base.tier_organizations or desired.tier_organizations)
        and base.defaults == desired.defaults
        and base.moment == desired.moment
    )


def _changed(desired: DesiredState, base: DesiredState, tenant: Tenant) -> bool:
    if fields_in(base, tenant.name) != fields(desired, tenant):
        return True
    return _allowed(base.tenants.get(tenant.name)) != _allowed(tenant)


def _allowed(tenant: Tenant | None) -> tuple[object, ...] | None:
    return None if tenant is None else (tenant.accept, tenant.protect, tenant.hold)


def in_another_tier(
    desired: DesiredState, earlier: Iterable[DesiredState], tenant: Tenant, project: LiveProject
) -> bool:
    """Return whether the project has all values of a tier that is neither the tenant's tier nor an earlier one.

    ``earlier`` is ``History.earlier``. A project that differs in a single value has none: somebody changed it.
    """
    versions = [(desired, tenant), *((files, files.tenants[tenant.name]) for files in earlier)]
    declared = [(files, known) for files, known in versions if not known.absent]
    if any(_has(files, known, project) for files, known in declared):
        return False
    names = {known.tier for _, known in declared}
    others = ((files, tier) for files, _ in declared for tier in files.tiers.values() if tier.name not in names)
    return any(
        tier.quota is not None and _has(files, replace(tenant, tier=tier.name), project) for files, tier in others
    )


def _has(files: DesiredState, tenant: Tenant, project: LiveProject) -> bool:
    """Return whether the project has the organization and every value of the tenant's tier."""
    if files.organization_of(tenant) != project.organization:
        return False
    settings = files.settings(tenant)
    of_tier = (concern.changes(settings, project) for concern in CONCERNS if concern is not PROJECT)
    endpoint = project.read_write(project.default_branch)
    return not any(map(any, of_tier)) and not any(compute.endpoint_changes(settings.compute, endpoint))
