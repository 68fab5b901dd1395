"""Which tenants come first: those nearest to a quota, and those that use most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.usage.usage import QuotaUsage, TenantUsage

MOST_CONSUMERS: Final = 5


class Crossing(Struct, frozen=True):
    """One quota of a tenant that is above a threshold."""

    tenant: TenantUsage
    quota: QuotaUsage


def crossings(tenants: Sequence[TenantUsage]) -> list[Crossing]:
    """Every quota above a threshold, the fullest first."""
    found = [
        Crossing(tenant, quota) for tenant in tenants for quota in tenant.quotas if quota.threshold is not None
    ]
    return sorted(found, key=lambda one: (-(one.quota.percent or 0), one.tenant.tenant, one.quota.quota))


def biggest_consumers(tenants: Sequence[TenantUsage]) -> dict[str, list[tuple[str, int]]]:
    """The tenants that use most, with the used amounts, by the path of the quota; also without a limit."""
    amounts: dict[str, list[tuple[str, int]]] = {}
    for tenant in tenants:
        for quota in tenant.quotas:
            if quota.used:
                amounts.setdefault(quota.quota, []).append((tenant.tenant, quota.used))
    ranked = {path: sorted(found, key=lambda one: (-one[1], one[0])) for path, found in sorted(amounts.items())}
    return {path: found[:MOST_CONSUMERS] for path, found in ranked.items()}
