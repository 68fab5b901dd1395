"""Documents that the schema has accepted -> the types of the core."""

from __future__ import annotations

from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Final

from reconciler.desired.naming import Naming
from reconciler.desired.policy import Policy, Thresholds
from reconciler.desired.rotation import Rotation
from reconciler.desired.state import Api, Defaults, DesiredState
from reconciler.desired.tenant import Accepted, Boost, DevBranch, Hold, Overrides, Pins, Snapshot, Tenant
from reconciler.desired.tier import (
    BranchCleanup,
    Cleanup,
    DevBranchPolicy,
    Organization,
    OrganizationLimits,
    SnapshotPolicy,
    SqlSource,
    Tier,
)
from reconciler.files.sections import stated
from reconciler.model.compute import Compute
from reconciler.model.database import Database
from reconciler.model.quota import Quota
from reconciler.model.values import JsonText, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.desired.prices import Prices
    from reconciler.desired.tier import Occasion
    from reconciler.files.tenant_schema import (
        AcceptDocument,
        BoostDocument,
        BoostedCompute,
        ComputeDocument,
        DatabaseDocument,
        DevBranchDocument,
        MainComputeDocument,
        OverridesDocument,
        ReplicaDocument,
        SettingsDocument,
        TenantDocument,
    )
    from reconciler.files.tiers_schema import (
        CleanupDocument,
        LimitsDocument,
        OrganizationDocument,
        SnapshotPolicyDocument,
        TierDocument,
        TiersDocument,
    )
    from reconciler.model.problem import Location
    from reconciler.model.values import Json

_NO_OVERRIDES: Final = Overrides()
_MOST_SHARED: Final = 1024
"""Equal values that are kept as one object."""
_NO_PINS: Final = Pins()
_NOTHING_ACCEPTED: Final = Accepted()


def fleet(document: TiersDocument, place: Callable[[tuple[str | int, ...]], Location]) -> DesiredState:
    """The desired state without tenants; ``place`` returns the location of the keys of a path."""
    return DesiredState(
        fleet=document.fleet,
        naming=_naming(document),
        organizations={
            name: _organization(name, written, place(("organizations", name)))
            for name, written in document.organizations.items()
        },
        tiers={name: _tier(name, written, place(("tiers", name))) for name, written in document.tiers.items()},
        tenants={},
        personal_api_key=document.personal_api_key,
        api=_api(document),
        defaults=Defaults(**document.defaults.model_dump()),
        policy=_policy(document),
        prices=_prices(document, place(("prices", "as_of"))),
        registry=document.registry.url if document.registry else None,
        registry_key=document.registry.key if document.registry else None,
        notify=document.notify.urls if document.notify else (),
        sql_sources=tuple(
            SqlSource(source.sql.url, source.sql.query, place(("tenants", index, "sql")), index)
            for index, source in enumerate(document.tenants)
            if source.sql is not None
        ),
        places={
            ".".join(map(str, path)): place(path) for path in (*_destinations(document), *_sections(document))
        },
    )


def _sections(document: TiersDocument) -> Iterator[tuple[str]]:
    """The keys of the file that it states."""
    yield from ((key,) for key in type(document).model_fields if key in document.model_fields_set)


def _destinations(document: TiersDocument) -> Iterator[tuple[str | int, ...]]:
    """The keys of what decides where API keys and notices go (``desired.destinations``)."""
    for name in document.organizations:
        yield from (("organizations", name, "id"), ("organizations", name, "api_key"))
    yield from (("personal_api_key",), ("registry", "url"), ("registry", "key"), ("api", "host"))
    for index, source in enumerate(document.tenants):
        if source.sql is not None:
            yield from (("tenants", index, "sql", key) for key in ("url", "query"))
    for number in range(len(document.notify.urls) if document.notify else 0):
        yield ("notify", "urls", number)


def tenant(document: TenantDocument, location: Location, files: tuple[str, ...] = ()) -> Tenant:
    """A tenant as its files state it."""
    return Tenant(
        name=document.tenant,
        tier=intern(document.tier),
        location=location,
        labels=shared_labels(*(document.labels or {}).items()),
        overrides=_overrides(document.overrides) if document.overrides else _NO_OVERRIDES,
        snapshots=_snapshots(document),
        dev_branches=_dev_branches(document),
        roles=_roles(document.roles),
        databases=_databases(document.databases),
        protect=document.protect,
        accept=_accepted(document.accept) if document.accept else _NOTHING_ACCEPTED,
        previously=tuple(document.previously),
        absent=document.state == "absent",
        suspended=document.state == "suspended",
        reason=document.reason,
        boosts=tuple(map(boost, document.boosts)),
        hold=Hold(document.hold.until, document.hold.reason) if document.hold else None,
        project_id=document.project_id,
        recover=document.recover,
        revision=document.revision,
        pins=_pins(document),
        files=files,
    )


def boost(document: BoostDocument) -> Boost:
    """A raise with its end."""
    return Boost(
        document.until,
        stated("quota", document.quota) if document.quota else {},
        compute(document.compute) if document.compute else None,
        document.reason,
    )


def main_compute(document: MainComputeDocument | None) -> Compute | None:
    """The compute of the default branch; None where at most its read replicas are stated."""
    stated = compute(document) if document is not None else Compute()
    return None if stated == Compute() else stated


def replicas(document: MainComputeDocument | None) -> dict[str, Compute] | None:
    """The read replicas by name; None where they are not managed."""
    if document is None or document.replicas is None:
        return None
    return {name: compute(replica) for name, replica in document.replicas.items()}


def compute(document: ComputeDocument | ReplicaDocument | BoostedCompute) -> Compute:
    """A compute's size, suspension and Postgres parameters."""
    values = stated("compute", document)
    parameters = values.pop("pg_settings", None)
    return Compute(**values, pg_settings=JsonText.of(parameters) if parameters else None)


def limits(document: LimitsDocument) -> OrganizationLimits:
    """What an organization allows."""
    return OrganizationLimits(
        projects=document.projects,
        branches=document.branches,
        snapshots=document.snapshots,
        min_cu=document.compute.min_cu,
        max_cu=document.compute.max_cu,
        restore_window_seconds=document.restore_window,
        min_suspend_timeout_seconds=document.min_suspend_timeout,
        replicas=document.replicas,
    )


def _api(document: TiersDocument) -> Api:
    api = document.api
    return Api(
        api.host,
        api.requests_per_minute,
        api.burst_per_second,
        api.batch_share,
        settle_seconds=float(api.settle),
        look_again_after_seconds=float(api.look_again_after),
        account=api.account,
    )


def _naming(document: TiersDocument) -> Naming:
    own = {name: tier.naming for name, tier in document.tiers.items() if tier.naming is not None}
    return Naming(document.naming.project, document.naming.previous, own)


def _policy(document: TiersDocument) -> Policy:
    guards = document.guards
    thresholds = Thresholds(
        creates=guards.creates.threshold(),
        transfers=guards.transfers.threshold(),
        disruptive=guards.disruptive.threshold(),
        deletes=guards.deletes.threshold(),
    )
    return Policy(thresholds, guards.prune.min_age, document.drift_policy or {}, idle_seconds=guards.idle)


def _prices(document: TiersDocument, location: Location) -> Prices | None:
    if document.prices is None:
        return None
    from reconciler.files.build_prices import prices  # noqa: PLC0415 - for prices only

    return prices(document.prices, location)


def _organization(name: str, document: OrganizationDocument, location: Location) -> Organization:
    return Organization(name, document.id, document.api_key, limits(document.limits), location)


def _tier(name: str, document: TierDocument, location: Location) -> Tier:
    branches = document.dev_branches
    return Tier(
        name=name,
        organization=document.organization,
        location=location,
        quota=Quota(**stated("quota", document.quota)) if document.quota else None,
        compute=main_compute(document.compute),
        restore_window_seconds=document.restore_window,
        protected=document.protected,
        settings=_settings(document.settings) if document.settings else {},
        snapshots=_snapshot_policy(document.snapshots),
        dev_branches=DevBranchPolicy(branches.max, compute(branches.compute) if branches.compute else None),
        cleanup=_cleanup(document.cleanup),
        replicas=replicas(document.compute),
        roles=_roles(document.roles),
        databases=_databases(document.databases),
        usage_thresholds=tuple(sorted(set(document.usage_thresholds))),
    )


def _cleanup(document: CleanupDocument) -> Cleanup:
    return Cleanup(
        document.old_branches, BranchCleanup(document.dev_branches.idle, document.dev_branches.at_limit)
    )


def _snapshot_policy(document: SnapshotPolicyDocument) -> SnapshotPolicy:
    turns = document.rotate
    rotation = None if turns is None else Rotation(turns.name, turns.every, turns.keep)
    return SnapshotPolicy(
        document.at_limit, document.method, rotation, before=document.before, keep_before=document.keep_before
    )


def _settings(document: SettingsDocument) -> dict[str, Json]:
    """Those that the table of fields has and those that are not checked, by the names of the Neon API."""
    checked = document.model_dump(exclude={"unchecked"}, exclude_none=True)
    return {**checked, **(document.unchecked or {})}


def _overrides(document: OverridesDocument) -> Overrides:
    quota = stated("quota", document.quota) if document.quota else {}
    before = document.snapshots.before if document.snapshots else None
    found = _shared_overrides(
        tuple(quota.items()), main_compute(document.compute), document.restore_window, document.protected, before
    )
    settings, own = _settings(document.settings) if document.settings else {}, replicas(document.compute)
    return found if own is None and not settings else replace(found, settings=settings, replicas=own)


@lru_cache(maxsize=_MOST_SHARED)
def shared_labels(*stated: tuple[str, str]) -> Mapping[str, str]:
    """Labels, one object for all tenants that have the same: a large fleet has few."""
    return dict(stated)


@lru_cache(maxsize=_MOST_SHARED, typed=True)
def _shared_overrides(
    quota: tuple[tuple[str, int], ...],
    compute: Compute | None,
    restore_window_seconds: int | None,
    protected: bool | None,
    snapshots_before: tuple[Occasion, ...] | None,
) -> Overrides:
    """The same for overrides."""
    return Overrides(
        quota=dict(quota),
        compute=compute,
        restore_window_seconds=restore_window_seconds,
        protected=protected,
        snapshots_before=snapshots_before,
    )


def _accepted(document: AcceptDocument) -> Accepted:
    return Accepted(document.suspension, document.full_branches, document.history_loss, document.deletion)


def _snapshots(document: TenantDocument) -> tuple[Snapshot, ...] | None:
    if document.snapshots is None:
        return None
    return tuple(Snapshot(entry.name, entry.at, entry.expires_at, entry.retake) for entry in document.snapshots)


def _dev_branches(document: TenantDocument) -> tuple[DevBranch, ...] | None:
    if document.dev_branches is None:
        return None
    return tuple(_dev_branch(entry) for entry in document.dev_branches)


def _dev_branch(document: DevBranchDocument) -> DevBranch:
    return DevBranch(
        name=document.name,
        parent=document.parent,
        at=document.at,
        compute=compute(document.compute) if document.compute else None,
        expires_at=document.expires_at,
        schema_only=document.schema_only,
        protected=document.protected,
        reset=document.reset,
        disposable=document.disposable,
        roles=_roles(document.roles),
        databases=_databases(document.databases),
    )


def _roles(stated: list[str] | None) -> tuple[str, ...] | None:
    return None if stated is None else tuple(stated)


def _databases(stated: list[DatabaseDocument] | None) -> tuple[Database, ...] | None:
    return None if stated is None else tuple(Database(entry.name, entry.owner) for entry in stated)


def _pins(document: TenantDocument) -> Pins:
    pins = (document.region, document.pg_version, document.database, document.role, document.branch)
    return _NO_PINS if pins == (None,) * len(pins) else Pins(*pins)
