"""The desired state of a whole fleet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.desired.address import NEON
from reconciler.desired.policy import Policy
from reconciler.desired.settings import Settings, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.naming import Naming
    from reconciler.desired.problem import Location
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import EnvReference, Organization, Tier


@dataclass(frozen=True, slots=True)
class Api:
    """How to talk to Neon. Limits are Neon's per account: 700 requests/min, 40/s per route (api-rate-limiting)."""

    host: str = NEON
    requests_per_minute: int = 700
    burst_per_second: int = 40
    batch_share: float = 0.7
    """The part of the rate that fleet runs keep to, so that sign-ups do not starve behind them."""
    settle_seconds: float = 10.0
    """How long a new project may take to show up in every list."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a new project gets where neither tenant nor tier says otherwise; counts at creation only."""

    region: str = "aws-us-east-2"
    pg_version: int = 17
    database: str = "neondb"
    role: str = "neondb_owner"
    branch: str = "main"


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything that the files say. ``tenants`` is in name order; tombstones are among them."""

    fleet: str
    naming: Naming
    organizations: Mapping[str, Organization]
    tiers: Mapping[str, Tier]
    tenants: Mapping[str, Tenant]
    personal_api_key: EnvReference | None = None
    api: Api = Api()
    defaults: Defaults = Defaults()
    policy: Policy = Policy()
    registry: EnvReference | str | None = None
    """The address of the tenant registry, or the variable that holds it; None where there is none."""
    places: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
    """Where the keys of tiers.yaml stand, and the values that decide where keys go (``Destination``)."""
    held_back: frozenset[str] = field(default_factory=frozenset)
    """Names of tenants whose files are broken (``--on-invalid skip``): nothing is done to their projects."""
    pins_held_back: frozenset[str] = field(default_factory=frozenset)
    """Ids of projects that those files name as their tenants' own."""

    def settings(self, tenant: Tenant) -> Settings:
        """The tenant's resolved settings."""
        name = None if tenant.project_id else self.project_name(tenant)
        return resolve(tenant, self.tiers[tenant.tier], name)

    def home(self, tenant: Tenant) -> str | None:
        """The organization of the tenant's tier; None where there is no such tier, as of a tombstone."""
        tier = self.tiers.get(tenant.tier)
        return None if tier is None else tier.organization

    def speaks_alike(self, other: DesiredState, tenant: Tenant) -> bool:
        """Whether these files hold just what the other ones hold of a tenant of theirs: file, tier and naming."""
        alike = self.tenants.get(tenant.name) == tenant and self.naming == other.naming
        return alike and self.tiers.get(tenant.tier) == other.tiers.get(tenant.tier)

    def project_name(self, tenant: Tenant) -> str:
        """The name that the tenant's project is to have."""
        return self.naming.project_name(tenant.name)

    def project_names(self, tenant: str) -> tuple[str, ...]:
        """Every name by which the project of the tenant of this name is recognised, the current one first."""
        return self.naming.names(tenant)

    def tenant_by_project_name(self, project_name: str) -> str | None:
        """The name of the tenant, declared or not, that a project's whole name stands for."""
        return self.naming.tenant(project_name)

    def selecting(self, names: Iterable[str]) -> DesiredState:
        """The same state with only these tenants, in name order."""
        return replace(self, tenants={name: self.tenants[name] for name in sorted(names)})
