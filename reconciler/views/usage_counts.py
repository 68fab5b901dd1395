"""How many tenants of each tier are at a limit, near one, and idle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.usage.states import at_limit, near_limit
from reconciler.views.grouping import grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.usage.usage import TenantUsage


class TierCounts(Struct, frozen=True):
    """The tenants of a tier by their state."""

    tier: str
    tenants: int
    at_limit: int
    near: int
    """Above a threshold, not at a limit."""
    idle: int


def by_tier(tenants: Sequence[TenantUsage]) -> list[TierCounts]:
    """The counts of each tier, in the order of names."""
    return [_counts(tier, found) for tier, found in sorted(grouped(tenants, lambda one: one.tier).items())]


def _counts(tier: str, found: Sequence[TenantUsage]) -> TierCounts:
    near = sum(map(near_limit, found))
    return TierCounts(tier, len(found), sum(map(at_limit, found)), near, sum(one.idle for one in found))
