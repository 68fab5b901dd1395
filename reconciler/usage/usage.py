"""The usage of a fleet: each tenant's quotas with what is used of them, and the room in the organizations."""

from datetime import date, datetime

from msgspec import Struct

from reconciler.plan.plan import Note


class QuotaUsage(Struct, frozen=True):
    """One quota of one tenant."""

    quota: str
    """The path of the field: quota.active_time_seconds."""
    used: int | None
    """In the unit of the path; None if Neon did not return it. For the size, that of the largest branch."""
    limit: int | None
    """What Neon enforces; None if there is no limit."""
    at_most: bool = False
    """Whether the used amount is an upper bound, which lies below every threshold."""
    percent: float | None = None
    """The used share of the limit, rounded down to a tenth; None if one of the two is missing."""
    threshold: int | None = None
    """The highest threshold that is crossed, in percent."""
    reached_on: date | None = None
    """The day (UTC) on which the limit is reached if the tenant goes on as in this period, and within it. For the
    size: as since the project was created, and within 90 days."""

    @property
    def reached(self) -> bool:
        """Whether the limit is reached."""
        return self.used is not None and self.limit is not None and self.used >= self.limit


class TenantUsage(Struct, frozen=True):
    """What one tenant uses."""

    tenant: str
    tier: str
    organization: str
    """The organization that its project is in."""
    project_id: str
    quotas: tuple[QuotaUsage, ...]
    suspended: bool
    """Whether a quota of the billing period is reached: Neon suspends the computes until it ends or is raised."""
    writes_fail: bool
    """Whether a branch has reached the size quota: writes to it fail."""
    last_active_at: datetime | None
    """When a compute ran last; None if none ever did."""
    idle: bool
    """Whether it was unused for as long as guards.idle states."""
    suspended_by_file: str | None = None
    """The reason that its file states beside ``state: suspended``; None if it does not. Then its quotas are Neon's
    minimum on purpose, and cross no threshold."""
    switched_off: bool = False
    """Whether a quota of the billing period is Neon's minimum, with which a compute runs for a second at most."""

    @property
    def threshold(self) -> int | None:
        """The highest threshold that any of its quotas crosses."""
        return max((quota.threshold for quota in self.quotas if quota.threshold is not None), default=None)


class OrganizationUsage(Struct, frozen=True):
    """How many projects an organization has, and may have."""

    organization: str
    projects: int
    limit: int | None
    """organizations.limits.projects of tiers.yaml."""
    percent: float | None = None
    threshold: int | None = None
    """The highest threshold that is crossed, in percent."""


class Usage(Struct, frozen=True):
    """What the tenants of a fleet use in this billing period."""

    fleet: str
    at: datetime
    period_start: datetime
    period_end: datetime
    tenants: tuple[TenantUsage, ...]
    """In name order. With --above, only those that cross the threshold."""
    organizations: tuple[OrganizationUsage, ...]
    """Those that were listed."""
    without_project: tuple[str, ...]
    """Tenants for which no project was found."""
    unread: tuple[str, ...]
    """Tenants whose projects Neon did not return."""
    notes: tuple[Note, ...]
    looked_at: int
    """Tenants with a project."""
    left_out: int
    """Tenants that the selection leaves out."""
    calls: int
    """Requests that were sent, repeated ones included."""
    least_calls: int
    """The fewest requests that return the same."""
    idle_seconds: int | None = None
    """guards.idle."""
    above: int | None = None
    """The only threshold, with --above."""
    api_host: str | None = None
    """The API host, if it is not Neon's own."""

    @property
    def crossed(self) -> bool:
        """Whether a tenant or an organization crosses a threshold."""
        tenants = any(tenant.threshold is not None for tenant in self.tenants)
        return tenants or any(organization.threshold is not None for organization in self.organizations)
