"""Everything that the files want of one tenant, field by field, and what changed since an earlier commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.concerns import PROJECT_CONCERNS, branches, organization, snapshots

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.plan.concerns.concern import Stated

STATE = "state"
RECOVER = "recover"
PINS = ("region", "pg_version", "database", "role")
"""What counts at a project's creation only."""
PRESENT, ABSENT = "present", "absent"


def fields(desired: DesiredState, tenant: Tenant) -> Stated:
    """Every managed field of the tenant; of a tombstone, only that it is one."""
    if tenant.absent:
        return {STATE: ABSENT}
    settings = desired.settings(tenant)
    managed = [concern.wanted(settings) for concern in PROJECT_CONCERNS]
    return {
        STATE: PRESENT,
        **({} if tenant.recover is None else {RECOVER: tenant.recover}),
        organization.PATH: organization.Place(settings.organization, desired.allowed(tenant.tier), tenant.tier),
        **{path: value for concern in managed for path, value in concern.items()},
        **{word: value for word in PINS if (value := getattr(tenant.pins, word)) is not None},
        **branches.wanted(settings),
        **snapshots.wanted(settings),
    }


def said(files: DesiredState, tenant: str) -> Stated | None:
    """What the files wanted of a tenant; empty where they did not know it, None where they are broken there."""
    if tenant in files.held_back:
        return None
    known = files.tenants.get(tenant)
    return {} if known is None else fields(files, known)


def changed_since(desired: DesiredState, base: DesiredState) -> frozenset[str]:
    """Tenants of the files whose wanted fields are not what they were, a change of their tier included."""
    return frozenset(
        name for name, tenant in desired.tenants.items() if said(base, name) != fields(desired, tenant)
    )
