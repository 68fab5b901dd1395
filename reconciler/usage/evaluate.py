"""Desired state, live state and what was consumed -> the usage of a fleet."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.desired.tier import USAGE_THRESHOLDS
from reconciler.live.consumption import NOTHING_METERED
from reconciler.live.project import Needs
from reconciler.model.quota import OFF
from reconciler.usage.amounts import LOGICAL_SIZE, PERIODIC, QUOTAS, amount, limits
from reconciler.usage.reads import matched
from reconciler.usage.thresholds import day_reached, highest_crossed, percent_of
from reconciler.usage.usage import OrganizationUsage, QuotaUsage, TenantUsage

if TYPE_CHECKING:
    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.consumption import Histories, Metered
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.usage.amounts import Amount
    from reconciler.usage.period import Period

SIZE_HORIZON: Final = timedelta(days=90)
"""How far a forecast of the size looks."""


class Evaluation(Struct, frozen=True):
    """What the usage follows from, besides the live state."""

    desired: DesiredState
    now: datetime
    period: Period
    above: int | None = None
    """The only threshold, in percent; None for those of the tiers."""
    metered: frozenset[str] = frozenset()
    """Ids of the projects whose consumption history was read."""
    histories: Histories = {}

    def tenants(self, live: LiveState, selection: Selection) -> tuple[TenantUsage, ...]:
        """The usage of every selected tenant with a project, in name order."""
        return tuple(self._tenant(tenant, project) for tenant, project in matched(self.desired, live, selection))

    def organizations(self, live: LiveState) -> tuple[OrganizationUsage, ...]:
        """The room in every organization that was listed."""
        return tuple(self._organization(name, count) for name, count in live.listed.items())

    def unconfirmed(self, live: LiveState, selection: Selection) -> Needs:
        """What is read once more: amounts that may be lower, and on which a threshold or a forecast depends.

        Size: the sizes of the branches. Active time: the counter of the single project.
        """
        projects: list[str] = []
        branches: list[str] = []
        for tenant, project in matched(self.desired, live, selection):
            doubtful = {quota.quota for quota in self._tenant(tenant, project).quotas if _doubtful(quota)}
            if f"quota.{LOGICAL_SIZE}" in doubtful:
                branches.append(project.id)
            if doubtful - {f"quota.{LOGICAL_SIZE}"}:
                projects.append(project.id)
        return Needs(projects=tuple(projects), branches=tuple(branches))

    def _tenant(self, tenant: Tenant, project: LiveProject) -> TenantUsage:
        quotas = tuple(self._quota(tenant, project, quota) for quota in QUOTAS)
        reached = {quota.quota.removeprefix("quota.") for quota in quotas if quota.reached}
        return TenantUsage(
            tenant=tenant.name,
            tier=tenant.tier,
            organization=project.organization,
            project_id=project.id,
            quotas=quotas,
            suspended=not reached.isdisjoint(PERIODIC),
            writes_fail=LOGICAL_SIZE in reached,
            last_active_at=project.last_active_at,
            idle=self._idle(project),
            suspended_by_file=(tenant.reason or "") if tenant.suspended else None,
            switched_off=any(limits(project).get(quota) == OFF for quota in PERIODIC),
        )

    def _quota(self, tenant: Tenant, project: LiveProject, quota: str) -> QuotaUsage:
        found = amount(project, self._history(project), self.period, quota)
        limit, path = limits(project).get(quota), f"quota.{quota}"
        if found is None:
            return QuotaUsage(path, None, limit)
        if limit is None:
            return QuotaUsage(path, found.used, None, found.at_most)
        return QuotaUsage(
            quota=path,
            used=found.used,
            limit=limit,
            at_most=found.at_most,
            percent=percent_of(found.used, limit),
            threshold=highest_crossed(self._thresholds(tenant), found.used, limit),
            reached_on=None if tenant.suspended else self._forecast(project, quota, found, limit),
        )

    def _history(self, project: LiveProject) -> Metered | None:
        """Neon may leave out a project that consumed nothing."""
        return self.histories.get(project.id, NOTHING_METERED) if project.id in self.metered else None

    def _forecast(self, project: LiveProject, quota: str, found: Amount, limit: int) -> date | None:
        """None for a size that is only an upper bound: most of it may be history."""
        if quota != LOGICAL_SIZE:
            begun = max(self.period.start, project.created_at)
            return day_reached(found.used, limit, begun, self.now, self.period.end)
        if found.at_most:
            return None
        return day_reached(found.used, limit, project.created_at, self.now, self.now + SIZE_HORIZON)

    def _thresholds(self, tenant: Tenant) -> tuple[int, ...]:
        if tenant.suspended:
            return ()
        if self.above is not None:
            return (self.above,)
        tier = self.desired.tiers.get(tenant.tier)
        return USAGE_THRESHOLDS if tier is None else tier.usage_thresholds

    def _idle(self, project: LiveProject) -> bool:
        idle_seconds = self.desired.policy.idle_seconds
        if idle_seconds is None:
            return False
        return (project.last_active_at or project.created_at) <= self.now - timedelta(seconds=idle_seconds)

    def _organization(self, name: str, count: int) -> OrganizationUsage:
        limit = self.desired.limits(name).projects
        if not limit:
            return OrganizationUsage(name, count, limit)
        thresholds = USAGE_THRESHOLDS if self.above is None else (self.above,)
        return OrganizationUsage(
            name, count, limit, percent_of(count, limit), highest_crossed(thresholds, count, limit)
        )


def _doubtful(quota: QuotaUsage) -> bool:
    return quota.at_most and (quota.threshold is not None or quota.reached_on is not None)
