"""A plan and prices -> what the plan does to the cost of a month. Pure; the same plan gives the same costs.

The limits of a project bound what it can cost: its quotas, and the size of the compute of its default branch. Neon
limits neither history, nor snapshots, nor extra branches by a quota: they are not in the range.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.desired.prices import COMPUTE, DATA_TRANSFER, MONTH_HOURS, NOTHING, STORAGE
from reconciler.model.compute import DEFAULT_COMPUTE, LARGEST_SCALING_CU, NEVER_SUSPEND, Compute
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import (
    CreateProject,
    DeleteProject,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.plan_cost import CostRange, PlanCost, TenantPlanCost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from reconciler.desired.prices import Charge, Prices, Rates
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan, TenantPlan

FREE: Final = CostRange(NOTHING, NOTHING)
MONTH_SECONDS: Final = MONTH_HOURS * 3600


class Limits(Struct, frozen=True):
    """What limits the cost of a project. A quota of 0 is no limit."""

    organization: str
    quota: Quota
    compute: Compute
    """That of the default branch."""

    def range(self, prices: Prices) -> CostRange:
        """What a month can cost at the prices of the organization."""
        rates = prices.of(self.organization)
        seconds = Fraction(min(self.quota.active_time_seconds or MONTH_SECONDS, MONTH_SECONDS))
        largest = self.compute.max_cu or 0
        least = (self.compute.min_cu or 0) if self._always_on else 0
        low = _cost(rates, COMPUTE, self._capped(seconds * Fraction(least)))
        parts = {
            COMPUTE: self._capped(seconds * Fraction(max(largest, least))),
            STORAGE: self.quota.logical_size_bytes * MONTH_HOURS,
            DATA_TRANSFER: self.quota.data_transfer_bytes,
        }
        unlimited = tuple(c.name for c, most in parts.items() if not most and c != COMPUTE and rates.price(c))
        return CostRange(low, _sum(_cost(rates, charge, most) for charge, most in parts.items()), unlimited)

    def permitted(self, charge: Charge, used: int) -> int:
        """As much of what a tenant used in a month as these limits permit."""
        most = {COMPUTE: self.most_compute_seconds, DATA_TRANSFER: self.quota.data_transfer_bytes}.get(charge)
        return min(used, most) if most else used

    @property
    def most_compute_seconds(self) -> int:
        """CU-seconds in a month. A quota limits all computes of the project; without one, there may be more."""
        allowed = self.quota.active_time_seconds
        return self._capped(Fraction(allowed) * Fraction(self.compute.max_cu or 0)) if allowed else 0

    @property
    def _always_on(self) -> bool:
        """Neon: computes above 16 CU do not scale to zero."""
        large = (self.compute.min_cu or 0) > LARGEST_SCALING_CU
        return large or self.compute.suspend_timeout_seconds == NEVER_SUSPEND

    def _capped(self, compute_seconds: Fraction) -> int:
        most = self.quota.compute_time_seconds
        return ceil(min(compute_seconds, Fraction(most)) if most else compute_seconds)


def _cost(rates: Rates, charge: Charge, most: int) -> Decimal:
    return rates.cost(charge, most) or NOTHING


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, NOTHING)


def with_cost(plan: Plan, desired: DesiredState) -> Plan:
    """The plan with what it does to the cost of a month, if there are prices and it changes a limit.

    A command on one tenant changes no limit.
    """
    if desired.prices is None or plan.command is not None:
        return replace(plan, monthly_cost=None)
    return replace(plan, monthly_cost=plan_cost(plan.tenants, desired.prices))


def plan_cost(tenants: Iterable[TenantPlan], prices: Prices) -> PlanCost | None:
    """What the tenants' actions do to the cost of a month; None if no range changes."""
    changed: list[TenantPlanCost] = []
    not_known: list[str] = []
    range_of = cache(lambda limits: limits and limits.range(prices))  # most tenants have the limits of their tier
    for planned in tenants:
        found = before_and_after(planned)
        if found is None:
            not_known.append(planned.tenant)
            continue
        before, after = map(range_of, found)
        if (before or FREE) != (after or FREE):
            changed.append(TenantPlanCost(planned.tenant, before, after))
    if not changed:
        return None
    return PlanCost(
        prices.as_of,
        prices.currency,
        before=total(one.before for one in changed),
        after=total(one.after for one in changed),
        tenants=tuple(changed),
        not_known=tuple(not_known),
    )


def total(ranges: Iterable[CostRange | None]) -> CostRange:
    """All of them together."""
    found = [one for one in ranges if one is not None]
    unlimited = {name: None for one in found for name in one.unlimited}
    return CostRange(_sum(one.low for one in found), _sum(one.high for one in found), tuple(unlimited))


def before_and_after(planned: TenantPlan) -> tuple[Limits | None, Limits | None] | None:
    """The limits before the actions and after them, None where there is no project. None if they are not known."""
    if any(isinstance(action, RecoverProject) for action in planned.actions):
        return None
    limits = before = None
    if planned.project is not None:
        limits = before = _live(planned.project)
        if before is None:
            return None
    for action in planned.actions:
        limits = _after(limits, action, planned.project)
    return before, limits


def _live(project: LiveProject) -> Limits | None:
    """The limits of a live project; the compute of its default branch, where that was read."""
    endpoint = project.read_write(project.default_branch)
    compute = project.compute if endpoint is None else endpoint.compute
    if project.quota is None or compute is None:
        return None
    return Limits(project.organization, project.quota, compute)


def _after(limits: Limits | None, action: Action, project: LiveProject | None) -> Limits | None:
    """The limits after one action."""
    if isinstance(action, CreateProject):
        return _changed(Limits(action.organization, Quota(), DEFAULT_COMPUTE), action, compute=True)
    if limits is None or isinstance(action, DeleteProject):
        return None
    if isinstance(action, TransferProject):
        return replace(limits, organization=action.destination)
    if isinstance(action, PatchProject):
        return _changed(limits, action, compute=_follows_the_project(project))
    if isinstance(action, PatchEndpoint) and (project is None or _is_default(project, action.branch)):
        return _changed(limits, action, compute=True)
    return limits


def _follows_the_project(project: LiveProject | None) -> bool:
    """Whether the compute was not read: then the project's default stands for it."""
    return project is not None and project.read_write(project.default_branch) is None


def _is_default(project: LiveProject, branch: str) -> bool:
    default = project.default_branch
    return default is not None and default.name == branch


def _changed(limits: Limits, action: Action, *, compute: bool) -> Limits:
    quota: dict[str, Any] = dict(_members("quota.", action))
    size: dict[str, Any] = {n: v for n, v in _members("compute.", action) if compute and n in _SIZES}
    return replace(limits, quota=replace(limits.quota, **quota), compute=replace(limits.compute, **size))


_SIZES: Final = ("min_cu", "max_cu", "suspend_timeout_seconds")


def _members(group: str, action: Action) -> Iterator[tuple[str, float]]:
    """What the action sets of a group of fields, by name."""
    for change in action.changes:
        if change.path.startswith(group) and isinstance(change.after, int | float):
            yield change.path.removeprefix(group), change.after
