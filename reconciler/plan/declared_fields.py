"""Every field that the files declare for one tenant, and whether a live project has another tier's values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.plan.concerns import PROJECT_CONCERNS, branches, compute, organization, snapshots
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.past import STATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.concerns.concern import Stated

RECOVER = "recover"
PINS = ("region", "pg_version", "database", "role", "branch")
"""Fields that apply at a project's creation only."""
PRESENT, ABSENT = "present", "absent"


def fields(desired: DesiredState, tenant: Tenant) -> Stated:
    """Return every managed field of the tenant; of a tombstone, only its state."""
    if tenant.absent:
        return {STATE: ABSENT}
    settings = desired.settings(tenant)
    managed = [concern.wanted(settings) for concern in PROJECT_CONCERNS]
    return {
        STATE: PRESENT,
        **({} if tenant.recover is None else {RECOVER: tenant.recover}),
        organization.PATH: Assignment(settings.organization, desired.allowed(tenant.tier), tenant.tier),
        **{path: value for concern in managed for path, value in concern.items()},
        **{word: value for word in PINS if (value := getattr(tenant.pins, word)) is not None},
        **branches.wanted(settings),
        **snapshots.wanted(settings),
    }


def said(files: DesiredState, tenant: str) -> Stated | None:
    """Return what the files declare for a tenant; empty if nothing, None if they are broken for it."""
    if tenant in files.held_back:
        return None
    known = files.tenants.get(tenant)
    return {} if known is None else fields(files, known)


def changed_since(desired: DesiredState, base: DesiredState) -> frozenset[str]:
    """Return the tenants whose declared fields changed since the base, including their tier."""
    return frozenset(
        name for name, tenant in desired.tenants.items() if said(base, name) != fields(desired, tenant)
    )


def in_another_tier(
    desired: DesiredState, earlier: Iterable[DesiredState], tenant: Tenant, project: LiveProject
) -> bool:
    """Return whether the project has all values of a tier that is neither the tenant's tier nor an earlier one.

    ``earlier`` is ``History.earlier``. A project that differs in a single value has none: somebody changed it.
    """
    said = [(desired, tenant), *((files, files.tenants[tenant.name]) for files in earlier)]
    declared = [(files, known) for files, known in said if not known.absent]
    if any(_has(files, known, project) for files, known in declared):
        return False
    names = {known.tier for _, known in declared}
    others = ((files, tier) for files, _ in declared for tier in files.tiers.values() if tier.name not in names)
    return any(
        tier.quota is not None and _has(files, replace(tenant, tier=tier.name), project) for files, tier in others
    )


def _has(files: DesiredState, tenant: Tenant, project: LiveProject) -> bool:
    """Return whether the project has the organization and every value of the tenant's tier."""
    if files.home(tenant) != project.organization:
        return False
    settings = files.settings(tenant)
    differing = (
        change
        for concern in PROJECT_CONCERNS
        if concern is not PROJECT
        for change in concern.changes(settings, project)
    )
    endpoint = project.read_write(project.default_branch)
    return not any(True for _ in differing) and not any(
        True for _ in compute.endpoint_changes(settings.compute, endpoint)
    )
