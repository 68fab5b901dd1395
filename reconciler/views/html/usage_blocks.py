"""Every tenant of a usage, each with its quotas: what the script of the page searches and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.usage.states import suspended_by_quota
from reconciler.views.html.blocks import ChangeBlock, Facet, Meter, PageMember, PageSection, PageStep
from reconciler.views.html.charts import BAD, PLAIN, WARN
from reconciler.views.html.data import NAME, RANK
from reconciler.views.usage_text import SIZE, roughly, short
from reconciler.views.values import worded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.usage.usage import QuotaUsage, TenantUsage, Usage

SORTS: Final = (("fullest first", RANK), ("by name", NAME))
AT_LIMIT, NEAR, BELOW = "at a limit", "above a threshold", "below every threshold"
BY_FILE, IDLE = "suspended by its file", "idle"
FACETS: Final = (
    Facet("State", "all states", (AT_LIMIT, NEAR, BELOW, BY_FILE, IDLE)),
    Facet("Tier", "all tiers"),
    Facet("Organization", "all organizations"),
    Facet("Above a threshold", "any quota"),
)


def tenant_section(usage: Usage) -> PageSection:
    """All tenants that were looked at, the fullest first."""
    blocks = [_block(usage, tenant) for tenant in usage.tenants]
    return PageSection("Tenants", "tenants", len(blocks), sorted(blocks, key=lambda block: -block.rank))


def tone_of(quota: QuotaUsage) -> str:
    """How near the quota is to its limit."""
    return BAD if quota.reached else WARN if quota.threshold is not None else PLAIN


def effect_of(usage: Usage, quota: QuotaUsage) -> str:
    """What a limit that is reached stops; empty for others."""
    if not quota.reached:
        return ""
    return "writes fail" if quota.quota == SIZE else f"no compute starts until {usage.period_end:%Y-%m-%d}"


def _block(usage: Usage, tenant: TenantUsage) -> ChangeBlock:
    fullest = max((quota.percent or 0 for quota in tenant.quotas), default=0)
    steps = [PageStep(f"suspended by its file: {tenant.suspended_by_file}")] if tenant.suspended_by_file else []
    facets = (_states(tenant), [tenant.tier], [tenant.organization], _above(tenant.quotas))
    return ChangeBlock(
        members=[PageMember(tenant.tenant, tenant.project_id, facets=facets)],
        steps=steps,
        meters=[_meter(usage, quota) for quota in tenant.quotas if quota.limit is not None or quota.used],
        rank=int(10 * fullest),
    )


def _states(tenant: TenantUsage) -> list[str]:
    if tenant.suspended_by_file is not None:
        return [BY_FILE]
    full = suspended_by_quota(tenant) or tenant.writes_fail
    state = AT_LIMIT if full else NEAR if tenant.threshold is not None else BELOW
    return [state, *([IDLE] if tenant.idle else [])]


def _above(quotas: Sequence[QuotaUsage]) -> list[str]:
    return [short(quota.quota) for quota in quotas if quota.threshold is not None]


def _meter(usage: Usage, quota: QuotaUsage) -> Meter:
    expected = "" if quota.reached_on is None else f"reached about {quota.reached_on}"
    return Meter(
        quota=short(quota.quota),
        used="not read" if quota.used is None else roughly(quota.quota, quota.used),
        limit="" if quota.limit is None else worded(quota.quota, quota.limit),
        percent=quota.percent,
        tone=tone_of(quota),
        effect=effect_of(usage, quota) or expected,
    )
