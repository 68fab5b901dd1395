"""What a month costs: each tenant, each tier, each organization, and all of it. Money is exact (Decimal)."""

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from reconciler.plan.plan import Note


class ChargeCost(Struct, frozen=True):
    """One thing that Neon charges for."""

    charge: str
    """compute, storage, history, snapshots, branches, data_transfer or private_transfer."""
    quantity: Decimal
    """How much was used, in the unit."""
    unit: str
    cost: Decimal | None
    """None if tiers.yaml has no price for it."""


class TenantCost(Struct, frozen=True):
    """What one tenant cost in the month."""

    tenant: str
    tier: str
    organization: str
    """The organization that its project is in."""
    project_id: str
    cost: Decimal
    charges: tuple[ChargeCost, ...]
    """What was used; empty in a sponsored organization that was not read."""


class TierCost(Struct, frozen=True):
    """What the tenants of one tier cost."""

    tier: str
    tenants: int
    cost: Decimal


class OrganizationCost(Struct, frozen=True):
    """What one organization costs: its tenants and its other projects, less what is included."""

    organization: str
    whole: bool
    """Whether all of its projects were looked at; otherwise, those of the selected tenants."""
    read: bool
    """Whether their consumption was read. A sponsored organization costs nothing, and is read if it is named."""
    sponsored: bool
    projects: int
    """The projects that were looked at."""
    tenants: int
    """The tenants among them."""
    charges: tuple[ChargeCost, ...]
    """What all of the projects used."""
    other_projects: Decimal
    """What the projects of no selected tenant cost."""
    included: Decimal
    """What the organization does not pay of its public transfer; 0 unless all of its projects were looked at."""
    cost: Decimal


class Cost(Struct, frozen=True):
    """What the tenants of a fleet cost in a month."""

    fleet: str
    at: datetime
    month: str
    """As in 2026-10."""
    period_start: datetime
    until: datetime
    """The end of what was counted: that of the month, or an hour or day before now."""
    prices_as_of: date
    currency: str
    cost: Decimal
    """That of all organizations below."""
    organizations: tuple[OrganizationCost, ...]
    tiers: tuple[TierCost, ...]
    """In the order of tiers.yaml; those with tenants."""
    tenants: tuple[TenantCost, ...]
    """In name order."""
    without_project: tuple[str, ...]
    """Tenants for which no project was found."""
    unread: tuple[str, ...]
    """Tenants whose cost is not known: Neon did not return their project, or what it consumed."""
    notes: tuple[Note, ...]
    left_out: int
    """Tenants that the selection leaves out."""
    calls: int
    """Requests that were sent, repeated ones included."""
    least_calls: int
    """The fewest requests that return the same."""
    api_host: str | None = None
    """The API host, if it is not Neon's own."""
