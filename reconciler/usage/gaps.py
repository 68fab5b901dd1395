"""What a reading of the usage does not include, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.selection import Depth
from reconciler.plan.identity import identify
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.state import LiveState
    from reconciler.usage.usage import TenantUsage

DEEP: Final = "--depth deep reads each project that has run"


def without_project(desired: DesiredState, live: LiveState, selection: Selection) -> tuple[str, ...]:
    """Tenants that should have a project and have none."""
    identities = identify(desired, live)
    missing = (one.name for one in _chosen(desired, selection) if identities.nowhere(one))
    unknown = set(unread_tenants(desired, live, selection))
    return tuple(name for name in missing if name not in unknown)


def unread_tenants(desired: DesiredState, live: LiveState, selection: Selection) -> tuple[str, ...]:
    """Tenants whose projects Neon did not return, and those for which several projects match."""
    identities = identify(desired, live)
    names = {name: desired.project_names(name) for name in desired.tenants} if live.unknown else {}
    listed = {project.name for project in live.unknown if project.name is not None}
    return tuple(
        one.name
        for one in _chosen(desired, selection)
        if one.name in identities.not_returned
        or one.name in identities.conflicts
        or (one.name not in identities.projects and not listed.isdisjoint(names.get(one.name, ())))
    )


def _chosen(desired: DesiredState, selection: Selection) -> Iterator[Tenant]:
    return (one for one in desired.tenants.values() if selection.includes(one) and not one.absent)


def notes(tenants: Sequence[TenantUsage], refused: Sequence[str], depth: Depth) -> Iterator[Note]:
    """Which used amounts are missing, and whose suspension by their file is not in force."""
    for tenant in tenants:
        if tenant.suspended_by_file is not None and not (tenant.switched_off or tenant.suspended):
            yield Note(
                tenant.tenant, "its file suspends it, but it is not suspended yet: run reconciler plan to see why"
            )
    for organization in refused:
        yield Note(None, f"organization {organization} has no consumption history on its plan (403); {DEEP}")
    missing = sorted(
        {
            quota.quota
            for tenant in tenants
            for quota in tenant.quotas
            if tenant.suspended_by_file is None and quota.used is None and quota.limit is not None
        }
    )
    if missing:
        how = "the lists do not show them" if depth is Depth.LIST else "Neon did not return them"
        yield Note(None, f"for some tenants not known: {', '.join(missing)}: {how}; {DEEP}")
