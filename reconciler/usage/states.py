"""The states of tenants that may need an action, the number of tenants in each, and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.usage.usage import TenantUsage, Usage

RAISED_BY: Final = (
    "reconciler boost TENANT quota.active_time=300h --until 7d, for some time; or a larger tier, or "
    "overrides: {quota: {...}} in the tenant's file"
)
FREED_BY: Final = "delete rows, or choose a larger tier; deleting branches frees nothing"
RESUMED_BY: Final = "run reconciler resume TENANT"
IDLE_REMEDY: Final = "warn the user first; state: absent in the tenant's file then deletes the project"
WITHOUT_PROJECT_REMEDY: Final = "run reconciler plan to see why"
NOT_READ_REMEDY: Final = "run again later, or run reconciler plan to see conflicts"


class StateCount(Struct, frozen=True):
    """How many tenants are in a state."""

    state: str
    tenants: int
    remedy: str | None
    """The remedy; None if nothing has to be done."""


def suspended_by_quota(tenant: TenantUsage) -> bool:
    """Whether a quota has suspended it, and not its file."""
    return tenant.suspended and tenant.suspended_by_file is None


def at_limit(tenant: TenantUsage) -> bool:
    """Whether a quota that is reached stops it."""
    return suspended_by_quota(tenant) or tenant.writes_fail


def near_limit(tenant: TenantUsage) -> bool:
    """Whether it is above a threshold, and not at a limit."""
    return tenant.threshold is not None and not at_limit(tenant)


def suspended_by_files(usage: Usage) -> list[TenantUsage]:
    """The tenants that their files suspend."""
    return [tenant for tenant in usage.tenants if tenant.suspended_by_file is not None]


def states(usage: Usage) -> Iterator[StateCount]:
    """Every state that a tenant is in."""
    counts = (
        StateCount("suspended", sum(map(suspended_by_quota, usage.tenants)), RAISED_BY),
        StateCount("suspended_by_file", len(suspended_by_files(usage)), RESUMED_BY),
        StateCount("writes_fail", sum(one.writes_fail for one in usage.tenants), FREED_BY),
        StateCount("above_a_threshold", sum(one.threshold is not None for one in usage.tenants), None),
        StateCount("near_limit", sum(map(near_limit, usage.tenants)), None),
        StateCount("idle", sum(one.idle for one in usage.tenants), IDLE_REMEDY),
        StateCount("without_project", len(usage.without_project), WITHOUT_PROJECT_REMEDY),
        StateCount("unread", len(usage.unread), NOT_READ_REMEDY),
    )
    return (one for one in counts if one.tenants)
