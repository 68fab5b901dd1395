"""What the use of a past month costs, before a plan and after it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.desired.prices import NOTHING
from reconciler.live.consumption import NOTHING_METERED
from reconciler.plan.costs import before_and_after
from reconciler.plan.plan_cost import PastCost, TenantPastCost
from reconciler.usage.costing import used

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from decimal import Decimal

    from reconciler.desired.prices import Prices
    from reconciler.live.consumption import Metered, Metering
    from reconciler.live.project import LiveProject
    from reconciler.plan.costs import Limits
    from reconciler.plan.plan import TenantPlan


class Affected(Struct, frozen=True):
    """A tenant with a project whose actions may change what its use costs."""

    tenant: str
    project: LiveProject
    before: Limits
    after: Limits | None
    """None if the project is deleted."""


def affected(tenants: Iterable[TenantPlan], prices: Prices) -> Iterator[Affected]:
    """Those of whose projects the limits are known, unless everything is sponsored before and after."""
    for planned in tenants:
        found = before_and_after(planned)
        if planned.project is None or found is None or found[0] is None:
            continue
        before, after = found[0], found[1]
        homes = {limits.organization for limits in found if limits is not None}
        if not all(prices.of(home).sponsored for home in homes):
            yield Affected(planned.tenant, planned.project, before, after)


def past_cost(month: str, found: Collection[Affected], prices: Prices, metering: Metering, calls: int) -> PastCost:
    """The costs of the tenants whose consumption was read, in so many calls."""
    histories, refused = metering.histories, metering.refused
    known = [one for one in found if one.project.organization not in refused]
    tenants = tuple(_of_tenant(one, histories.get(one.project.id, NOTHING_METERED), prices) for one in known)
    return PastCost(
        month=month,
        currency=prices.currency,
        before=sum((one.before for one in tenants), NOTHING),
        after=sum((one.after for one in tenants), NOTHING),
        tenants=tenants,
        unread=tuple(one.tenant for one in found if one.project.organization in refused),
        calls=calls,
    )


def _of_tenant(one: Affected, metered: Metered, prices: Prices) -> TenantPastCost:
    before = _cost(metered, one.before, prices)
    after = NOTHING if one.after is None else _cost(metered, one.after, prices, permitted=True)
    return TenantPastCost(one.tenant, before, after)


def _cost(metered: Metered, limits: Limits, prices: Prices, *, permitted: bool = False) -> Decimal:
    rates = prices.of(limits.organization)
    amounts = ((c, limits.permitted(c, amount) if permitted else amount) for c, amount in used(metered).items())
    return sum((rates.cost(charge, amount) or NOTHING for charge, amount in amounts), NOTHING)
