"""Documents that the schema has accepted -> the types of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.naming import Naming
from reconciler.desired.policy import Policy, Thresholds
from reconciler.desired.state import Api, Defaults, DesiredState
from reconciler.desired.tenant import Accepted, DevBranch, Overrides, Pins, Snapshot, Tenant
from reconciler.desired.tier import DevBranchPolicy, Organization, OrganizationLimits, SnapshotPolicy, Tier
from reconciler.files.sections import stated
from reconciler.model.compute import Compute
from reconciler.model.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.files.tenant_schema import (
        AcceptDocument,
        ComputeDocument,
        DevBranchDocument,
        OverridesDocument,
        SettingsDocument,
        TenantDocument,
    )
    from reconciler.files.tiers_schema import LimitsDocument, OrganizationDocument, TierDocument, TiersDocument
    from reconciler.model.problem import Location
    from reconciler.model.values import Json

_NO_OVERRIDES: Final = Overrides()
_NO_PINS: Final = Pins()
_NOTHING_ACCEPTED: Final = Accepted()


def fleet(document: TiersDocument, place: Callable[[tuple[str, ...]], Location]) -> DesiredState:
    """The desired state without tenants; ``place`` tells where the keys of a path stand."""
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
        registry=document.registry.url if document.registry else None,
        places={".".join(path): place(path) for path in (*_destinations(document), *_sections(document))},
    )


def _sections(document: TiersDocument) -> Iterator[tuple[str]]:
    """The keys of the file that it states."""
    yield from ((key,) for key in type(document).model_fields if key in document.model_fields_set)


def _destinations(document: TiersDocument) -> Iterator[tuple[str, ...]]:
    """The keys of what decides where API keys go (``desired.destinations``)."""
    for name in document.organizations:
        yield from (("organizations", name, "id"), ("organizations", name, "api_key"))
    yield from (("personal_api_key",), ("registry", "url"), ("api", "host"))


def tenant(document: TenantDocument, location: Location, files: tuple[str, ...] = ()) -> Tenant:
    """A tenant as its files state it."""
    return Tenant(
        name=document.tenant,
        tier=document.tier,
        location=location,
        labels=document.labels or {},
        overrides=_overrides(document.overrides) if document.overrides else _NO_OVERRIDES,
        snapshots=_snapshots(document),
        dev_branches=_dev_branches(document),
        protect=document.protect,
        accept=_accepted(document.accept) if document.accept else _NOTHING_ACCEPTED,
        previously=tuple(document.previously),
        absent=document.state,
        project_id=document.project_id,
        recover=document.recover,
        revision=document.revision,
        pins=_pins(document),
        files=files,
    )


def compute(document: ComputeDocument) -> Compute:
    """A compute's size and suspension."""
    return Compute(**stated("compute", document))


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
    return Policy(thresholds, guards.prune.min_age, document.drift_policy or {})


def _organization(name: str, document: OrganizationDocument, location: Location) -> Organization:
    return Organization(name, document.id, document.api_key, limits(document.limits), location)


def _tier(name: str, document: TierDocument, location: Location) -> Tier:
    branches = document.dev_branches
    return Tier(
        name=name,
        organization=document.organization,
        location=location,
        quota=Quota(**stated("quota", document.quota)) if document.quota else None,
        compute=compute(document.compute) if document.compute else None,
        restore_window_seconds=document.restore_window,
        settings=_settings(document.settings) if document.settings else {},
        snapshots=SnapshotPolicy(document.snapshots.at_limit, document.snapshots.method),
        dev_branches=DevBranchPolicy(branches.max, compute(branches.compute) if branches.compute else None),
    )


def _settings(document: SettingsDocument) -> dict[str, Json]:
    """Those that the table of fields has and those that nobody checks, by the names of the Neon API."""
    checked = document.model_dump(exclude={"unchecked"}, exclude_none=True)
    return {**checked, **(document.unchecked or {})}


def _overrides(document: OverridesDocument) -> Overrides:
    return Overrides(
        quota=stated("quota", document.quota) if document.quota else {},
        compute=compute(document.compute) if document.compute else None,
        restore_window_seconds=document.restore_window,
        settings=_settings(document.settings) if document.settings else {},
    )


def _accepted(document: AcceptDocument) -> Accepted:
    return Accepted(document.suspension, document.full_branches, document.history_loss)


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
    )


def _pins(document: TenantDocument) -> Pins:
    pins = (document.region, document.pg_version, document.database, document.role, document.branch)
    return _NO_PINS if pins == (None,) * len(pins) else Pins(*pins)
