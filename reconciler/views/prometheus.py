"""Usage and cost in Prometheus' text format, for a file of the node exporter or a push gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.views.view import CostView, UsageView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.usage.cost import Cost
    from reconciler.usage.usage import OrganizationUsage, QuotaUsage, TenantUsage, Usage


class Sample(NamedTuple):
    """One value with its labels."""

    labels: dict[str, str]
    value: float


def render(view: UsageView | CostView, *, full: bool = False) -> Iterator[str]:  # noqa: ARG001 - no list is shortened
    """All gauges."""
    return _usage(view.usage) if isinstance(view, UsageView) else _cost(view.cost)


def _usage(usage: Usage) -> Iterator[str]:
    """The ``quota`` label ends with the unit: ``active_time_seconds``."""
    tenants, organizations = usage.tenants, usage.organizations
    yield from gauge("reconciler_quota_used", "Used amount of a quota in this billing period.", _used(tenants))
    yield from gauge("reconciler_quota_limit", "Limit of a quota; none if it is unlimited.", _limits(tenants))
    yield from gauge("reconciler_tenant_suspended", "1 if a quota has suspended the tenant.", _suspended(tenants))
    yield from gauge(
        "reconciler_tenant_suspended_by_file", "1 if the tenant's file suspends it.", _suspended_by_file(tenants)
    )
    yield from gauge(
        "reconciler_tenant_last_active_timestamp_seconds", "When a compute ran last.", _last_active(tenants)
    )
    yield from gauge("reconciler_organization_projects", "Projects of an organization.", _projects(organizations))
    yield from gauge(
        "reconciler_organization_projects_limit", "Projects it may have.", _project_limits(organizations)
    )
    yield from gauge("reconciler_usage_calls", "API calls of this reading.", [Sample({}, usage.calls)])
    yield from gauge("reconciler_usage_timestamp_seconds", "When the usage was read.", [_read_at(usage)])


def _cost(cost: Cost) -> Iterator[str]:
    """Money has its currency in a label, and the month, so that two months are never one series."""
    about = {"currency": cost.currency, "month": cost.month}
    yield from gauge("reconciler_tenant_cost", "Cost of a tenant in the month.", _tenant_costs(cost, about))
    yield from gauge(
        "reconciler_organization_cost",
        "Cost of an organization in the month, less what is included.",
        (Sample({"organization": one.organization, **about}, float(one.cost)) for one in cost.organizations),
    )
    yield from gauge("reconciler_cost_calls", "API calls of this reading.", [Sample({}, cost.calls)])
    yield from gauge(
        "reconciler_cost_until_timestamp_seconds", "Until when it counts.", [Sample({}, cost.until.timestamp())]
    )


def _tenant_costs(cost: Cost, about: dict[str, str]) -> Iterator[Sample]:
    return (
        Sample(
            {
                "tenant": tenant.tenant,
                "tier": tenant.tier,
                "organization": tenant.organization,
                "charge": part.charge,
                **about,
            },
            float(part.cost),
        )
        for tenant in cost.tenants
        for part in tenant.charges
        if part.cost is not None
    )


def _read_at(usage: Usage) -> Sample:
    return Sample({}, usage.at.timestamp())


def _used(tenants: Iterable[TenantUsage]) -> Iterator[Sample]:
    return (
        Sample(_labels(tenant, quota), quota.used)
        for tenant in tenants
        for quota in tenant.quotas
        if quota.used is not None
    )


def _limits(tenants: Iterable[TenantUsage]) -> Iterator[Sample]:
    return (
        Sample(_labels(tenant, quota), quota.limit)
        for tenant in tenants
        for quota in tenant.quotas
        if quota.limit is not None
    )


def _suspended(tenants: Iterable[TenantUsage]) -> Iterator[Sample]:
    return (Sample(_labels(tenant), int(tenant.suspended)) for tenant in tenants)


def _suspended_by_file(tenants: Iterable[TenantUsage]) -> Iterator[Sample]:
    return (Sample(_labels(tenant), int(tenant.suspended_by_file is not None)) for tenant in tenants)


def _last_active(tenants: Iterable[TenantUsage]) -> Iterator[Sample]:
    return (
        Sample(_labels(tenant), tenant.last_active_at.timestamp())
        for tenant in tenants
        if tenant.last_active_at is not None
    )


def _projects(organizations: Iterable[OrganizationUsage]) -> Iterator[Sample]:
    return (Sample({"organization": one.organization}, one.projects) for one in organizations)


def _project_limits(organizations: Iterable[OrganizationUsage]) -> Iterator[Sample]:
    return (
        Sample({"organization": one.organization}, one.limit) for one in organizations if one.limit is not None
    )


def _labels(tenant: TenantUsage, quota: QuotaUsage | None = None) -> dict[str, str]:
    labels = {"tenant": tenant.tenant, "tier": tenant.tier, "organization": tenant.organization}
    return labels if quota is None else {**labels, "quota": quota.quota.removeprefix("quota.")}


def gauge(name: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    """One gauge: its meaning, its type, and its samples."""
    yield f"# HELP {name} {meaning}\n# TYPE {name} gauge\n"
    for sample in samples:
        labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in sample.labels.items())
        yield f"{name}{{{labels}}} {sample.value:.15g}\n" if labels else f"{name} {sample.value:.15g}\n"


def _escaped(value: str) -> str:
    """Prometheus: backslash, quote and line end are escaped in a label's value."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
