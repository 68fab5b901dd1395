"""What projects consumed, and prices -> what each tenant, tier and organization costs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.desired.prices import (
    BRANCHES,
    CHARGES,
    COMPUTE,
    DATA_TRANSFER,
    HISTORY,
    NOTHING,
    PRIVATE_TRANSFER,
    SNAPSHOTS,
    STORAGE,
)
from reconciler.live.consumption import NOTHING_METERED
from reconciler.plan.plan import Note
from reconciler.usage.cost import ChargeCost, OrganizationCost, TenantCost, TierCost
from reconciler.usage.reads import matched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from reconciler.desired.prices import Charge, Prices, Rates
    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.consumption import Histories, Metered, Span
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState


def used(metered: Metered) -> dict[Charge, int]:
    """What was used of everything that Neon charges for, in the units that it measures."""
    return {
        COMPUTE: metered.compute_unit_seconds,
        STORAGE: metered.root_branch_byte_hours + metered.child_branch_byte_hours,
        HISTORY: metered.restore_byte_hours,
        SNAPSHOTS: metered.snapshot_byte_hours,
        BRANCHES: metered.extra_branch_hours,
        DATA_TRANSFER: metered.public_transfer_bytes,
        PRIVATE_TRANSFER: metered.private_transfer_bytes,
    }


def charges(metered: Metered, rates: Rates) -> tuple[ChargeCost, ...]:
    """Everything that was used, with its cost before what is included for the whole organization."""
    return tuple(
        ChargeCost(charge.name, charge.quantity(amount), charge.unit, rates.cost(charge, amount))
        for charge, amount in used(metered).items()
        if amount
    )


def total_cost(parts: Iterable[ChargeCost]) -> Decimal:
    """The cost of all of them that have a price."""
    return sum((part.cost for part in parts if part.cost is not None), NOTHING)


def added_up(every: Iterable[Sequence[ChargeCost]]) -> tuple[ChargeCost, ...]:
    """The same charges of several projects together, in the order of the price list."""
    found: dict[str, ChargeCost] = {}
    for parts in every:
        for part in parts:
            found[part.charge] = _plus(found.get(part.charge), part)
    return tuple(found[charge.name] for charge in CHARGES if charge.name in found)


def _plus(one: ChargeCost | None, other: ChargeCost) -> ChargeCost:
    if one is None:
        return other
    cost = None if one.cost is None or other.cost is None else one.cost + other.cost
    return ChargeCost(one.charge, one.quantity + other.quantity, one.unit, cost)


class CostScope(Struct, frozen=True):
    """The projects whose cost is calculated."""

    matched: tuple[tuple[Tenant, LiveProject], ...]
    """The selected tenants with their projects, in name order."""
    projects: Mapping[str, tuple[LiveProject, ...]]
    """All projects that are looked at, by organization; of a whole one, also those of no tenant."""
    whole: frozenset[str]
    """The organizations all of whose projects are looked at."""
    read: tuple[str, ...]
    """The organizations whose consumption is read: all but sponsored ones that were not named."""


def scope(
    desired: DesiredState, prices: Prices, live: LiveState, selection: Selection, named: Sequence[str] = ()
) -> CostScope:
    """What is looked at. ``named`` are the only organizations; empty for all of them."""
    names = [name for name in desired.organizations if not named or name in named]
    pairs = tuple(pair for pair in matched(desired, live, selection) if pair[1].organization in names)
    whole = frozenset(name for name in names if selection.everything and name in live.listed)
    projects: dict[str, list[LiveProject]] = {name: [] for name in names if name in whole}
    for project in live.projects:
        if project.organization in whole:
            projects[project.organization].append(project)
    for _, project in pairs:
        if project.organization not in whole:
            projects.setdefault(project.organization, []).append(project)
    read = tuple(name for name in projects if name in named or not prices.of(name).sponsored)
    return CostScope(pairs, {name: tuple(found) for name, found in projects.items()}, whole, read)


class Costing(Struct, frozen=True):
    """What the cost follows from."""

    prices: Prices
    scope: CostScope
    histories: Histories = {}
    refused: tuple[str, ...] = ()
    """Organizations without a consumption history."""

    def tenants(self) -> tuple[TenantCost, ...]:
        """The cost of each tenant that is known, in name order."""
        return tuple(
            self._tenant(tenant, project)
            for tenant, project in self.scope.matched
            if project.organization not in self.refused
        )

    def unread(self) -> tuple[str, ...]:
        """The tenants in organizations without a consumption history."""
        return tuple(t.name for t, project in self.scope.matched if project.organization in self.refused)

    def organizations(self, tenants: Sequence[TenantCost]) -> tuple[OrganizationCost, ...]:
        """The cost of each organization that is known."""
        found: dict[str, list[TenantCost]] = {}
        for tenant in tenants:
            found.setdefault(tenant.organization, []).append(tenant)
        names = [name for name in self.scope.projects if name not in self.refused]
        return tuple(self._organization(name, found.get(name, [])) for name in names)

    def _tenant(self, tenant: Tenant, project: LiveProject) -> TenantCost:
        parts = self._charges(project)
        return TenantCost(tenant.name, tenant.tier, project.organization, project.id, total_cost(parts), parts)

    def _charges(self, project: LiveProject) -> tuple[ChargeCost, ...]:
        """Neon may leave out a project that consumed nothing."""
        metered = self.histories.get(project.id, NOTHING_METERED)
        return charges(metered, self.prices.of(project.organization))

    def _organization(self, name: str, tenants: Sequence[TenantCost]) -> OrganizationCost:
        projects, rates = self.scope.projects[name], self.prices.of(name)
        own = {tenant.project_id for tenant in tenants}
        others = sum((total_cost(self._charges(one)) for one in projects if one.id not in own), NOTHING)
        included = self._included(name, rates) if name in self.scope.whole else NOTHING
        return OrganizationCost(
            organization=name,
            whole=name in self.scope.whole,
            read=name in self.scope.read,
            sponsored=rates.sponsored,
            projects=len(projects),
            tenants=len(tenants),
            charges=added_up(map(self._charges, projects)),
            other_projects=others,
            included=included,
            cost=sum((tenant.cost for tenant in tenants), NOTHING) + others - included,
        )

    def _included(self, name: str, rates: Rates) -> Decimal:
        """Neon: what is included of public transfer is that of a whole organization. At most what was charged."""
        known = [self.histories.get(one.id, NOTHING_METERED) for one in self.scope.projects[name]]
        charged = (rates.cost(DATA_TRANSFER, one.public_transfer_bytes) or NOTHING for one in known)
        covered = rates.included_transfer(sum(one.public_transfer_bytes for one in known))
        return min(covered, sum(charged, NOTHING))


def tiers(desired: DesiredState, tenants: Iterable[TenantCost]) -> tuple[TierCost, ...]:
    """The tenants of each tier together, in the order of tiers.yaml."""
    found: dict[str, list[Decimal]] = {name: [] for name in desired.tiers}
    for tenant in tenants:
        found.setdefault(tenant.tier, []).append(tenant.cost)
    return tuple(TierCost(name, len(costs), sum(costs, NOTHING)) for name, costs in found.items() if costs)


def notes(costing: Costing, organizations: Sequence[OrganizationCost], span: Span | None) -> Iterator[Note]:
    """What the cost leaves out, and why."""
    if span is None:
        yield Note(None, "no hour of the month is over: nothing is counted yet")
    for name in costing.refused:
        yield Note(None, f"organization {name} has no consumption history on its plan (403): its cost is unknown")
    if unpriced := [charge for charge in CHARGES if _is_unpriced(charge, organizations)]:
        keys = ", ".join(f"{charge.name} (prices.{charge.key})" for charge in unpriced)
        yield Note(None, f"used, and without a price in tiers.yaml: {keys}")
    for one in organizations:
        rates = costing.prices.of(one.organization)
        if not one.whole and rates.data_transfer_included_gb and rates.price(DATA_TRANSFER):
            included = f"the {rates.data_transfer_included_gb:f} GB of transfer that are included"
            yield Note(None, f"{included} for organization {one.organization} are not subtracted for a part of it")
    by_month = span is not None and span.granularity == "monthly"
    if by_month and any(_pays_for_branches(costing, one) for one in organizations):
        message = "extra branches are counted over the whole month, not day by day: their cost may be too low"
        yield Note(None, f"{message} (Neon keeps days for 60 days)")


def _is_unpriced(charge: Charge, organizations: Iterable[OrganizationCost]) -> bool:
    return any(part.charge == charge.name and part.cost is None for one in organizations for part in one.charges)


def _pays_for_branches(costing: Costing, one: OrganizationCost) -> bool:
    return bool(one.charges and costing.prices.of(one.organization).price(BRANCHES))
