"""A tenant's settings: the values of its tier and its overrides."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import asdict

from reconciler.model.compute import Compute, with_parameters
from reconciler.model.fields.table import BY_PATH, of
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.desired.tenant import Boost, DevBranch, Snapshot, Tenant
    from reconciler.desired.tier import Cleanup, SnapshotPolicy, Tier
    from reconciler.model.database import Database
    from reconciler.model.quota import Quota
    from reconciler.model.values import Json

_RAISABLE: Final = tuple(field.name for field in of("compute") if field.ranking.ordered)


class Settings(Struct, frozen=True):
    """The declared values of a tenant's project. None means not managed: the live value is kept."""

    tier: str
    organization: str
    project_name: str | None
    """None for an adopted project (``project_id``): it keeps its name."""
    quota: Quota | None
    compute: Compute | None
    restore_window_seconds: int | None
    protected: bool | None
    """Whether Neon protects the default branch."""
    settings: Mapping[str, Json]
    dev_branches: tuple[DevBranch, ...] | None
    """Each with its compute: the branch's values, else the tier's, else the project's. None means not managed."""
    most_dev_branches: int | None
    """The maximum in the tier; None means no maximum."""
    snapshots: tuple[Snapshot, ...] | None
    snapshot_policy: SnapshotPolicy
    cleanup: Cleanup
    first_database: Database
    """What comes with a new project: its first database and that one's owner."""
    replicas: Mapping[str, Compute] | None = None
    """The read replicas of the default branch by name, each with its whole compute. None means not managed."""
    roles: tuple[str, ...] | None = None
    databases: tuple[Database, ...] | None = None
    """Of the default branch: the tier's and the tenant's. None means not managed."""
    suspended: bool = False
    """The quota is at Neon's minimum, and no compute is to run."""
    boosts: tuple[Boost, ...] = ()
    """Those that have not ended; ``quota`` and ``compute`` include them."""


def resolve(
    tenant: Tenant, tier: Tier, project_name: str | None, first_database: Database, at: datetime | None = None
) -> Settings:
    """The tier's values, replaced by the tenant's overrides, raised by its boosts; a suspension ends all of it.

    ``at`` is the time by which a boost has ended or not; None is a time before every end. Boosts raise the project
    and its default branch, and no development branches.
    """
    overrides = tenant.overrides
    quota, compute = granted(tenant, tier)
    boosts = tuple(boost for boost in tenant.boosts if boost.in_force(at))
    boosted = raised_quota(quota, boosts)
    return Settings(
        tier=tier.name,
        organization=tier.organization,
        project_name=project_name,
        quota=boosted.off() if tenant.suspended and boosted else boosted,
        compute=raised_compute(compute, boosts),
        restore_window_seconds=(
            tier.restore_window_seconds
            if overrides.restore_window_seconds is None
            else overrides.restore_window_seconds
        ),
        protected=tier.protected if overrides.protected is None else overrides.protected,
        settings={**tier.settings, **overrides.settings} if overrides.settings else tier.settings,
        dev_branches=_dev_branches(tenant, tier, compute),
        most_dev_branches=tier.dev_branches.max,
        snapshots=tenant.snapshots,
        snapshot_policy=_snapshot_policy(tenant, tier),
        cleanup=tier.cleanup,
        replicas=replicas_of(tier, overrides.replicas, compute),
        first_database=first_database,
        roles=_roles(tenant, tier),
        databases=_databases(tenant, tier),
        suspended=tenant.suspended,
        boosts=boosts,
    )


def _snapshot_policy(tenant: Tenant, tier: Tier) -> SnapshotPolicy:
    before = tenant.overrides.snapshots_before
    return tier.snapshots if before is None else replace(tier.snapshots, before=before)


def granted(tenant: Tenant, tier: Tier) -> tuple[Quota | None, Compute | None]:
    """Return what tier and overrides grant without boosts. A tier without a quota leaves none to override."""
    overrides, quota = tenant.overrides, tier.quota
    if quota is not None and overrides.quota:
        quota = _overridden(quota, tuple(overrides.quota.items()))
    return quota, override_compute(tier.compute, overrides.compute)


@lru_cache(maxsize=1024)
def _overridden(quota: Quota, stated: tuple[tuple[str, int], ...]) -> Quota:
    """Return the quota with these members: one object for all tenants with the same ones."""
    return replace(quota, **dict(stated))


def raised_quota(quota: Quota | None, boosts: Iterable[Boost]) -> Quota | None:
    """Return the quota with the largest limit of each member; a boost reduces none."""
    for boost in boosts if quota is not None else ():
        stated = {name: value for name, value in boost.quota.items() if raises("quota", name, quota, value)}
        quota = replace(quota, **stated) if quota is not None else None
    return quota


def raised_compute(compute: Compute | None, boosts: Iterable[Boost]) -> Compute | None:
    """Return the compute with the largest value of each managed member; a boost reduces none."""
    for boost in boosts if compute is not None else ():
        stated = {name: getattr(boost.compute, name, None) for name in _RAISABLE}
        more = {name: value for name, value in stated.items() if raises("compute", name, compute, value)}
        compute = replace(compute, **more) if compute is not None else None
    return compute


def raises(group: str, name: str, than: Quota | Compute | None, value: float | None) -> bool:
    """Return whether the value of a member grants more than a quota or compute that states the member."""
    before = getattr(than, name, None)
    return None not in (before, value) and BY_PATH[f"{group}.{name}"].ranking.takes(value, before)


def _roles(tenant: Tenant, tier: Tier) -> tuple[str, ...] | None:
    """The tier's roles, then the tenant's own."""
    if tenant.roles is None and tier.roles is None:
        return None
    return tuple(dict.fromkeys((*(tier.roles or ()), *(tenant.roles or ()))))


def _databases(tenant: Tenant, tier: Tier) -> tuple[Database, ...] | None:
    """The tier's databases, then the tenant's own. Of two with one name, the tenant's counts."""
    if tenant.databases is None and tier.databases is None:
        return None
    stated = (*(tier.databases or ()), *(tenant.databases or ()))
    return tuple({database.name: database for database in stated}.values())


def _dev_branches(tenant: Tenant, tier: Tier, project: Compute | None) -> tuple[DevBranch, ...] | None:
    if tenant.dev_branches is None:
        return None
    return tuple(
        replace(branch, compute=_branch_compute(branch.compute, tier.dev_branches.compute, project))
        for branch in tenant.dev_branches
    )


def replicas_of(
    tier: Tier, own: Mapping[str, Compute] | None, project: Compute | None
) -> dict[str, Compute] | None:
    """The read replicas of the tier and a tenant's own, each with its whole compute; None if neither states any.

    ``project`` is the compute of the default branch, without boosts: they raise no read replica.
    """
    if own is None and tier.replicas is None:
        return None
    granted, own = tier.replicas or {}, own or {}
    stated = {name: (granted.get(name), own.get(name)) for name in (*granted, *own)}
    return {name: _replica(override_compute(*both) or Compute(), project) for name, both in stated.items()}


def _replica(stated: Compute, project: Compute | None) -> Compute:
    """A member that is not stated is the project's; such a minimum is at most the stated maximum."""
    combined = override_compute(project, stated) or stated
    if stated.min_cu is None and combined.min_cu is not None and combined.max_cu is not None:
        return replace(combined, min_cu=min(combined.min_cu, combined.max_cu))
    return combined


def _branch_compute(own: Compute | None, tier: Compute | None, project: Compute | None) -> Compute | None:
    """A development branch's compute is managed where the branch or the tier states a member of it."""
    stated = override_compute(tier, own)
    if stated is None:
        return None
    combined = override_compute(project, stated)
    if combined is not None and combined.min_cu is not None and combined.max_cu is not None:
        combined = replace(combined, min_cu=min(combined.min_cu, combined.max_cu))
    return combined


def override_compute(tier: Compute | None, override: Compute | None) -> Compute | None:
    """The tier's compute with the members that the override states in their place; parameters one by one."""
    if tier is None or override is None:
        return override or tier
    stated = asdict(override)
    stated["pg_settings"] = with_parameters(tier.pg_settings, override.pg_settings)
    return replace(tier, **{name: value for name, value in stated.items() if value is not None})
