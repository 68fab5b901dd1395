"""What a plan does to the cost of a month: the types. ``plan.costs`` has the arithmetic."""

from datetime import date
from decimal import Decimal

from msgspec import Struct


class CostRange(Struct, frozen=True):
    """What a month can cost: the compute of the default branch, data and transfer, as far as limits allow."""

    low: Decimal
    """If nobody uses it: what runs without use."""
    high: Decimal
    """At every limit."""
    unlimited: tuple[str, ...] = ()
    """Charges that no quota limits, and that come on top."""


class TenantPlanCost(Struct, frozen=True):
    """What the plan does to the cost of one tenant."""

    tenant: str
    before: CostRange | None
    """None if it has no project."""
    after: CostRange | None
    """None if its project is deleted."""


class PlanCost(Struct, frozen=True):
    """What the plan does to the cost of a month, of the tenants whose range changes."""

    prices_as_of: date
    currency: str
    before: CostRange
    after: CostRange
    tenants: tuple[TenantPlanCost, ...]
    """In name order."""
    not_known: tuple[str, ...] = ()
    """Tenants with changes of whose projects the limits were not read."""


class TenantPastCost(Struct, frozen=True):
    """What the use of a past month costs of one tenant."""

    tenant: str
    before: Decimal
    """What it cost, at present prices."""
    after: Decimal
    """What the same use would cost after the plan: as far as its limits allow it, where its project is then."""


class PastCost(Struct, frozen=True):
    """What the use of a past month costs, of the tenants that the plan changes."""

    month: str
    """As in 2026-10."""
    currency: str
    before: Decimal
    after: Decimal
    tenants: tuple[TenantPastCost, ...]
    """In name order; those with a project."""
    unread: tuple[str, ...]
    """Tenants in organizations without a consumption history."""
    calls: int
    """The calls that the consumption history took."""
