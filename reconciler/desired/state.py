"""The desired state of a whole fleet, and the organizations of earlier tiers under their current names.

An organization is identified by its id: a changed name, or another variable for the id, does not move tenants.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar, cast

from msgspec import Struct, field

from reconciler.desired import roster
from reconciler.desired.address import NEON
from reconciler.desired.naming import identity
from reconciler.desired.policy import Policy
from reconciler.desired.settings import Settings, resolve
from reconciler.desired.tier import OrganizationLimits
from reconciler.model.database import Database
from reconciler.model.values import PartlyCompared, replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.desired.naming import Frame, Naming, Search
    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.desired.prices import Prices
    from reconciler.desired.tenant import Hold, Tenant
    from reconciler.desired.tier import EnvReference, Organization, SqlSource, Tier
    from reconciler.model.problem import Location, Problem


def current_organizations(now: DesiredState, then: DesiredState) -> dict[str, Organization]:
    """Return, by tier of the earlier files, its organization in the later files, if that differs."""
    found = {
        name: _current_organization(tier, then.organizations[tier.organization], now)
        for name, tier in then.tiers.items()
    }
    own = {name: then.organizations[tier.organization] for name, tier in then.tiers.items()}
    return {name: current for name, current in found.items() if _differs(current, own[name])}


def _current_organization(tier: Tier, own: Organization, now: DesiredState) -> Organization:
    """Return the current organization of an earlier tier.

    A tier with the same organization name has not moved, whatever that organization's id is now: ids may be
    swapped. Otherwise it is found by id, then by name. If neither finds it, it has no live project that a run can
    read: then the tier is where it is now.
    """
    same = now.tiers.get(tier.name)
    if same is not None and same.organization == tier.organization:
        return now.organizations[same.organization]
    by_id = (organization for organization in now.organizations.values() if organization.id == own.id)
    found = next(by_id, None) or now.organizations.get(own.name)
    if found is None and same is not None:
        found = now.organizations[same.organization]
    return found or own


def _differs(current: Organization, own: Organization) -> bool:
    return (current.name, current.limits) != (own.name, own.limits)


PerTenant = TypeVar("PerTenant")


class Api(Struct, frozen=True):
    """How to call Neon, whose limits are per account: 700 requests/min, 40/s per route (api-rate-limiting)."""

    host: str = NEON
    requests_per_minute: int = 700
    burst_per_second: int = 40
    batch_share: float = 0.7
    """The share of the rate that fleet runs use, so that sign-ups do not wait behind them."""
    settle_seconds: float = 10.0
    """Time until a new project is in every list."""
    look_again_after_seconds: float = 10.0
    """Maximum age of what was read of a tenant at its turn; older data is read and planned again."""
    account: str | None = None
    """Fleets that name the same account share its rate limit, through their registry. None: no other does."""


class Defaults(Struct, frozen=True):
    """Values of a new project that neither tenant nor tier sets; they apply at creation only."""

    region: str = "aws-us-east-2"
    pg_version: int = 17
    database: str = "neondb"
    role: str = "neondb_owner"
    branch: str = "main"


_OF_A_MOMENT: Final = frozenset({"_settings", "fields"})
"""What is derived from a state and its moment."""


class DesiredState(PartlyCompared, frozen=True, dict=True):
    """Everything that the files declare. ``tenants`` is sorted by name and includes absent ones."""

    not_compared: ClassVar[frozenset[str]] = frozenset(
        {"unread_policies", "places", "tier_organizations", "moment", "partial"}
    )

    fleet: str
    naming: Naming
    organizations: Mapping[str, Organization]
    tiers: Mapping[str, Tier]
    tenants: Mapping[str, Tenant]
    personal_api_key: EnvReference | None = None
    api: Api = Api()
    defaults: Defaults = Defaults()
    policy: Policy = Policy()
    prices: Prices | None = None
    registry: EnvReference | str | None = None
    """The address of the tenant registry, or its variable; None if there is none."""
    notify: tuple[EnvReference, ...] = ()
    """The variables with the addresses that notices go to."""
    registry_key: EnvReference | None = None
    """The variable with the keys that encrypt connection strings; None if the registry keeps no strings."""
    sql_sources: tuple[SqlSource, ...] = ()
    """The queries whose rows are tenants."""
    policies: tuple[DeclaredPolicy, ...] = ()
    """Policies of the user's own, in the order of their names."""
    unread_policies: tuple[Problem, ...] = ()
    """For an earlier state, what is wrong with the files of its policies."""
    places: Mapping[str, Location] = {}
    """Locations of the keys of tiers.yaml, and of the values that decide where keys are sent (``Destination``)."""
    held_back: frozenset[str] = field(default_factory=frozenset)
    """Names of tenants with broken files (``--on-invalid skip``): their projects are not changed."""
    pins_held_back: frozenset[str] = field(default_factory=frozenset)
    """Ids of projects that these files pin."""
    tier_organizations: Mapping[str, Organization] = {}
    """For files that are compared with later ones, by tier: its organization in the later files."""
    unread: frozenset[str] = field(default_factory=frozenset)
    """For an earlier state, files and folders that could not be read: their tenants are unknown."""
    moment: datetime | None = None
    """The time by which boosts and holds have ended or not; None is a time before every end."""
    partial: bool = False
    """Whether only some of the tenants were read: the files, or other documents, may declare others."""

    def at(self, moment: datetime | None) -> DesiredState:
        """Return the same state at a time; the state itself if it has a time, or if nothing in it ever ends."""
        if moment is None or self.moment is not None or not self._ends:
            return self
        dated, latest = replace(self, moment=moment), self._latest[0]
        dated.__dict__.update({n: value for n, value in latest.__dict__.items() if n not in _OF_A_MOMENT})
        self._latest[0] = dated
        return dated

    @cached_property
    def _latest(self) -> list[DesiredState]:
        """The same at the last time that was asked for, with what was derived by then: no time changes that."""
        return [self]

    @cached_property
    def _ends(self) -> bool:
        return any(tenant.boosts or tenant.hold for tenant in self.special)

    @cached_property
    def remembered(self) -> dict[str, tuple[object, object]]:
        """What was derived last from this state and something else, by what it is: what else, and the result."""
        return {}

    def settings(self, tenant: Tenant) -> Settings:
        """Return the tenant's resolved settings; those of a declared tenant are resolved once."""
        if self.tenants.get(tenant.name) is not tenant:
            return self._resolved(tenant)
        known = self._settings.get(tenant.name)
        if known is None:
            known = self._settings[tenant.name] = self._resolved(tenant)
        return known

    @cached_property
    def _settings(self) -> dict[str, Settings]:
        """Those that were resolved, at ``moment``."""
        return {}

    @cached_property
    def fields(self) -> dict[str, Mapping[str, object]]:
        """Where ``plan.declared_fields`` keeps what it found of the last tenants, at ``moment``."""
        return {}

    def _resolved(self, tenant: Tenant) -> Settings:
        name = None if tenant.project_id else self.project_name(tenant)
        return resolve(tenant, self._tier(tenant), name, self.first_database(tenant), self.moment)

    @cached_property
    def special(self) -> tuple[Tenant, ...]:
        """The tenants that are not plain."""
        return tuple(roster.special(self.tenants))

    @cached_property
    def plain(self) -> frozenset[str]:
        """The names of the plain tenants."""
        return frozenset(self.tenants).difference(tenant.name for tenant in self.special)

    def common_settings(self, tenant: Tenant) -> Settings | None:
        """Return the settings that a plain tenant has in common with others, without the name of its project.

        One object for all with the same tier and overrides; None if the overrides are out of the ordinary.
        """
        own = tenant.overrides
        if own.settings or own.replicas is not None:
            return None
        given = (own.compute, own.restore_window_seconds, own.protected, own.snapshots_before)
        key = (tenant.tier, given, *own.quota.items())
        known = self._common_settings.get(key)
        if known is None:
            found = resolve(tenant, self._tier(tenant), None, self.first_database(tenant))
            known = self._common_settings[key] = found
        return known

    @cached_property
    def _common_settings(self) -> dict[tuple[object, ...], Settings]:
        """Those that were resolved, by tier and overrides. No time changes them."""
        return {}

    def settings_before_ends(self, tenant: Tenant) -> Iterator[Settings]:
        """Yield the tenant's settings as they were right before each boost that has ended."""
        name, first = None if tenant.project_id else self.project_name(tenant), self.first_database(tenant)
        for boost in tenant.boosts:
            if not boost.in_force(self.moment):
                yield resolve(tenant, self._tier(tenant), name, first, boost.until - datetime.resolution)

    def first_database(self, tenant: Tenant) -> Database:
        """Return what comes with the tenant's project: the names that its connection strings contain."""
        defaults, pins = self.defaults, tenant.pins
        return Database(pins.database or defaults.database, pins.role or defaults.role)

    def database_and_role(self, tenant: Tenant) -> tuple[str, str]:
        """Return the names that connection strings of the tenant's project contain."""
        first = self.first_database(tenant)
        return first.name, first.owner

    def policy_named(self, name: str) -> DeclaredPolicy | None:
        """Return the policy of the user's own with this name."""
        return next((one for one in self.policies if one.name == name), None)

    def held(self, tenant: str) -> Hold | None:
        """Return the tenant's hold, if it has not ended."""
        declared = self.tenants.get(tenant)
        hold = None if declared is None else declared.hold
        return hold if hold is not None and hold.in_force(self.moment) else None

    def _tier(self, tenant: Tenant) -> Tier:
        """Return the tenant's tier, in its organization in the later files."""
        tier = self.tiers[tenant.tier]
        current = self.tier_organizations.get(tier.name)
        return tier if current is None else replace(tier, organization=current.name)

    def organization_of(self, tenant: Tenant) -> str | None:
        """Return the organization of the tenant's tier; None if the tier does not exist, as for a tombstone."""
        tier = self.tiers.get(tenant.tier)
        if tier is None:
            return None
        current = self.tier_organizations.get(tier.name)
        return tier.organization if current is None else current.name

    def limits(self, organization: str) -> OrganizationLimits:
        """Return the limits of an organization; no limits if the files do not name it."""
        known = self.organizations.get(organization)
        return OrganizationLimits() if known is None else known.limits

    def allowed(self, tier: str) -> OrganizationLimits:
        """Return the limits of a tier's organization; no limits if the files declare none."""
        own = self.organizations.get(self.tiers[tier].organization)
        organization = self.tier_organizations.get(tier) or own
        return OrganizationLimits() if organization is None else organization.limits

    def declares_the_same(self, other: DesiredState, tenant: Tenant) -> bool:
        """Return whether these files and the other ones declare the same for a tenant: file, tier and naming."""
        known, others = self.tenants.get(tenant.name), self._other_tiers(other)
        return others is not None and tenant.tier not in others and (known is tenant or known == tenant)

    def differing(self, other: DesiredState) -> Collection[str] | None:
        """Return the tenants of the other files for which ``declares_the_same`` is false; None for all of them."""
        others = self._other_tiers(other)
        if others is None or (self.tenants is other.tenants and not others):
            return None if others is None else ()
        found = self.remembered.get("differing")
        if found is None or found[0] is not other:
            names = roster.different(self.tenants, other.tenants)
            if others:
                names |= {name for name, tenant in other.tenants.items() if tenant.tier in others}
            found = self.remembered["differing"] = (other, names)
        return cast("Collection[str]", found[1])

    def _other_tiers(self, other: DesiredState) -> Collection[str] | None:
        """Return the tiers that the other files declare otherwise; None if they name projects otherwise."""
        known = self.remembered.get("other tiers")
        if known is None or known[0] is not other:
            names = {*self.tiers, *other.tiers}
            alike = self.naming == other.naming
            found = frozenset(name for name in names if self.tiers.get(name) != other.tiers.get(name))
            known = self.remembered["other tiers"] = (other, found if alike else None)
        return cast("Collection[str] | None", known[1])

    def project_name(self, tenant: Tenant) -> str:
        """Return the declared name of the tenant's project."""
        frame = self._frames_of_tiers.get(tenant.tier)
        return (
            self.naming.project_name(tenant.name, tier=tenant.tier) if frame is None else frame.name(tenant.name)
        )

    @cached_property
    def _frames_of_tiers(self) -> Mapping[str, Frame]:
        """What stands around the names of a tier's tenants in the current names of their projects."""
        return {
            name: self.naming.frame(tier=name, organization=tier.organization) for name, tier in self.tiers.items()
        }

    def default_branch(self, tenant: Tenant) -> str:
        """Return the declared name of the default branch of the tenant's project."""
        return tenant.pins.branch or self.defaults.branch

    def project_names(self, tenant: str) -> tuple[str, ...]:
        """Return every name that identifies the tenant's project, the current one first."""
        declared = self.tenants.get(tenant)
        if len(self.frames) == 1 and not (declared and declared.previously):
            return (self.frames[0].name(tenant),)
        current = (self.project_name(declared),) if declared and declared.tier in self.tiers else ()
        names = (frame.name(name) for name in self.names(tenant) for frame in self.frames)
        return tuple(dict.fromkeys((*current, *names)))

    def project_searches(self, tenant: str) -> tuple[Search, ...]:
        """Return searches that find all projects with these names."""
        return tuple(self.naming.searches(self.names(tenant), self.project_names(tenant)))

    def names(self, tenant: str) -> tuple[str, ...]:
        """Return the tenant's name and its earlier names."""
        declared = self.tenants.get(tenant)
        return (tenant,) if declared is None else (tenant, *declared.previously)

    def current_name(self, tenant: str) -> str:
        """Return the current name of a tenant, if the files list this one as an earlier name."""
        return tenant if tenant in self.tenants else self._renamed.get(tenant, tenant)

    def by_current_name(self, by_name: Mapping[str, PerTenant]) -> dict[str, PerTenant]:
        """Return the mapping under current names; a value for a current name wins over one for an earlier name."""
        present = {name: value for name, value in by_name.items() if self.current_name(name) == name}
        return {**{self.current_name(name): value for name, value in by_name.items()}, **present}

    def with_current_names(self, now: DesiredState) -> DesiredState:
        """Return the same state with the names that tenants and organizations have in a later one.

        Each tenant stays as it was, including its project's name.
        """
        current, renamed = self.tier_organizations or current_organizations(now, self), self._renamed_in(now)
        if current == self.tier_organizations and not renamed:
            return self
        return replace(
            self,
            tier_organizations=current,
            tenants={renamed.get(name, name): tenant for name, tenant in self.tenants.items()},
            held_back=frozenset(renamed.get(name, name) for name in self.held_back),
        )

    def _renamed_in(self, now: DesiredState) -> dict[str, str]:
        """Return the later names of tenants that these files only know under an earlier name."""
        moved: dict[str, str] = {}
        for tenant in [tenant for tenant in now.special if tenant.previously]:
            known = [name for name in tenant.previously if name in self.tenants or name in self.held_back]
            if known and tenant.name not in self.tenants and tenant.name not in self.held_back:
                moved[known[0]] = tenant.name
        return moved

    def tenant_by_project_name(self, project_name: str) -> str | None:
        """The tenant, declared or not, that a project's name belongs to; a declared one if there are several."""
        found = [self.current_name(name) for frame in self.frames if (name := frame.tenant(project_name))]
        known = (name for name in found if name in self.tenants or name in self.held_back)
        return next(known, found[0] if found else None)

    def namesakes(self, tenant: str) -> frozenset[str]:
        """Return the tenants, declared or not, whose projects could have a name that this tenant's could have."""
        found = (frame.tenant(name) for name in self.project_names(tenant) for frame in self.frames)
        return frozenset(self.current_name(name) for name in found if name) - {tenant}

    @cached_property
    def project_owners(self) -> Mapping[str, tuple[str, ...]]:
        """By project name, the tenants whose project it could be, except those with project_id."""
        owners: dict[str, tuple[str, ...]] = {}
        pinned = {name for name, tenant in self.tenants.items() if tenant.project_id is not None}
        for tenant in sorted({*self.tenants, *self.held_back} - pinned):
            for name in self.project_names(tenant):
                owners[name] = (*owners.get(name, ()), tenant)
        return owners

    @cached_property
    def pinned_by(self) -> Mapping[str, str]:
        """The tenant whose file pins a project, by project id."""
        return {t.project_id: t.name for t in self.special if t.project_id is not None}

    def same_name(self, tenant: str) -> str | None:
        """Return the declared tenant whose current or earlier name differs from this name at most in case."""
        return self._identities.get(identity(tenant))

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The texts around tenants' names in project names."""
        return self.naming.frames(self.tiers, self.organizations)

    @cached_property
    def _renamed(self) -> Mapping[str, str]:
        """Current names by earlier name."""
        return {old: tenant.name for tenant in self.special for old in tenant.previously}

    @cached_property
    def _identities(self) -> Mapping[str, str]:
        names = {identity(name): name for name in self.held_back}
        earlier = {identity(old): name for old, name in self._renamed.items()}
        return {**earlier, **names, **{identity(name): name for name in self.tenants}}

    def before(self, now: DesiredState) -> DesiredState:
        """The same state, without the tenants that are now declared in files which could not be read here."""
        if not self.unread:
            return self
        unknown = self.unread_of(now)
        known = {name: tenant for name, tenant in self.tenants.items() if name not in unknown}
        return replace(self, tenants=known, held_back=self.held_back | unknown)

    def unread_of(self, now: DesiredState) -> frozenset[str]:
        """Return the tenants that are now declared in files which could not be read here."""
        if not self.unread:
            return frozenset()
        tenants = now.tenants.values()
        return frozenset(t.name for t in tenants if any(self._missed(t, path) for path in t.files))

    def _missed(self, tenant: Tenant, path: str) -> bool:
        known = self.tenants.get(tenant.name)
        above = (path, *map(str, PurePosixPath(path).parents))
        return (known is None or path not in known.files) and not self.unread.isdisjoint(above)

    def selecting(self, names: Iterable[str]) -> DesiredState:
        """Return the same state with only these tenants, sorted by name."""
        return replace(self, tenants={name: self.tenants[name] for name in sorted(names)})
