"""Lists of organizations that several turns share: one page tells of up to 400 projects."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.neon.observe import with_quotas
from reconciler.plan.needs import lists_pay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import Api
    from reconciler.live.project import LiveProject
    from reconciler.neon.client import Neon
    from reconciler.plan.plan import TenantPlan


@dataclass(frozen=True, slots=True)
class Listed:
    """Projects of one organization by id, and when reading them began, by the loop's clock."""

    projects: Mapping[str, LiveProject]
    begun: float


@dataclass(slots=True)
class Lists:
    """The newest list of each organization, read where that takes fewer calls than reading projects one by one."""

    neon: Neon
    api: Api
    counts: Mapping[str, int]
    """Live projects of each organization that was listed whole."""
    _to_come: Counter[str] = field(default_factory=Counter)
    _listed: dict[str, Listed] = field(default_factory=dict)
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def expect(self, tenants: Iterable[TenantPlan]) -> None:
        """These tenants are going to be looked at."""
        self._to_come.update(tenant.project.organization for tenant in tenants if tenant.project is not None)

    async def project(self, before: LiveProject) -> tuple[LiveProject, float] | None:
        """The project as a list shows it, and when reading it began; None where no list does."""
        organization = before.organization
        self._to_come[organization] -= 1
        async with self._locks[organization]:
            listed = self._listed.get(organization)
            if listed is None or not self._young(listed):
                listed = await self._list(organization) if self._is_worth_it(organization) else None
        if listed is None or before.id not in listed.projects:
            return None
        return listed.projects[before.id], listed.begun

    def _young(self, listed: Listed) -> bool:
        return asyncio.get_running_loop().time() - listed.begun <= self.api.look_again_after_seconds

    def _is_worth_it(self, organization: str) -> bool:
        count = self.counts.get(organization)
        return count is not None and lists_pay(count, self._to_come[organization], self.api)

    async def _list(self, organization: str) -> Listed | None:
        begun = asyncio.get_running_loop().time()
        try:
            listing = await self.neon.projects(organization)
        except ReconcilerError:  # reading each will tell whether it is worse than that
            return None
        projects = with_quotas(listing.projects)
        self._listed[organization] = Listed({project.id: project for project in projects}, begun)
        return self._listed[organization]
