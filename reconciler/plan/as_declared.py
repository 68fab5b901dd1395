"""The live state of a fleet whose files are fully applied: what a plan without the API compares with."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from reconciler.desired.settings import override_compute
from reconciler.desired.tier import SnapshotMethod
from reconciler.live.project import LiveBranch, LiveEndpoint, LiveProject, LiveSnapshot
from reconciler.live.state import LiveState
from reconciler.model.annotations import Purpose, branch_annotations, creation_annotations
from reconciler.model.compute import DEFAULT_COMPUTE
from reconciler.model.values import replace
from reconciler.plan.concerns.times import expired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import DevBranch, Tenant
    from reconciler.model.compute import Compute
    from reconciler.model.database import Database

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When everything was created: before every moment that files name."""
_RUN: Final = "as-declared"
_INVENTED: Final = "as-declared/"
"""How the ids begin that no API gave; no id of Neon contains a slash."""


def as_declared(files: DesiredState, now: datetime) -> LiveState:
    """Return a project for each tenant, with the declared values, branches and snapshots.

    Values that the files do not manage are unknown. Computes run, so that the risk of a change is the one for a
    tenant at work. ``now`` decides what has expired or ended.
    """
    files = files.at(now)
    declared = (tenant for tenant in files.tenants.values() if not tenant.absent)
    projects = [_project(files, tenant, now) for tenant in declared]
    counts = Counter(project.organization for project in projects)
    return LiveState(
        projects=tuple(sorted(projects, key=lambda one: (one.organization, one.name, one.id))),
        listed={name: counts[name] for name in files.organizations},
    )


def is_invented(given: str) -> bool:
    """Return whether an id of a project, branch, compute or snapshot is one of ``as_declared``."""
    return given.startswith(_INVENTED)


def _project(files: DesiredState, tenant: Tenant, now: datetime) -> LiveProject:
    settings = files.settings(tenant)
    own_id = tenant.project_id or f"{_INVENTED}{tenant.name}"
    default = _default_branch(files, tenant, settings)
    branches = (default, *_branches(files.fleet, tenant, settings, default, now))
    return LiveProject(
        id=own_id,
        name=files.project_name(tenant),
        organization=settings.organization,
        region=tenant.pins.region or files.defaults.region,
        pg_version=tenant.pins.pg_version or files.defaults.pg_version,
        created_at=_LONG_AGO,
        quota=settings.quota,
        compute=settings.compute and override_compute(DEFAULT_COMPUTE, settings.compute),
        restore_window_seconds=settings.restore_window_seconds,
        settings=settings.settings,
        branches=branches,
        endpoints=(*_endpoints(settings, branches), *_replicas(settings, default)),
        snapshots=tuple(_snapshots(settings, default, now)),
        roles={branch.id: _roles(settings, branch) for branch in branches},
        databases={branch.id: _databases(settings, branch) for branch in branches},
    )


def _default_branch(files: DesiredState, tenant: Tenant, settings: Settings) -> LiveBranch:
    return LiveBranch(
        id=f"{_INVENTED}{tenant.name}/default",
        name=files.default_branch(tenant),
        parent_id=None,
        default=True,
        protected=bool(settings.protected),
        annotations=creation_annotations(fleet=files.fleet, tenant=tenant.name, run=_RUN),
        created_at=_LONG_AGO,
    )


def _branches(
    fleet: str, tenant: Tenant, settings: Settings, default: LiveBranch, now: datetime
) -> Iterator[LiveBranch]:
    """Yield the development branches, and the snapshots that are kept as branches."""
    ids = {branch.name: f"{default.id}/{branch.name}" for branch in settings.dev_branches or ()}
    for branch in settings.dev_branches or ():
        if not expired(branch.expires_at, now):
            parent = None if branch.schema_only else ids.get(branch.parent or "", default.id)
            made = _branch(fleet, tenant, branch.name, Purpose.DEV_BRANCH, default)
            yield replace(made, parent_id=parent, expires_at=branch.expires_at, protected=bool(branch.protected))
    if settings.snapshot_policy.method is SnapshotMethod.BRANCH:
        for snapshot in settings.snapshots or ():
            if not expired(snapshot.expires_at, now):
                made = _branch(fleet, tenant, snapshot.name, Purpose.SNAPSHOT, default)
                yield replace(made, expires_at=snapshot.expires_at)


def _branch(fleet: str, tenant: Tenant, name: str, purpose: Purpose, default: LiveBranch) -> LiveBranch:
    return LiveBranch(
        id=f"{default.id}/{name}",
        name=name,
        parent_id=default.id,
        default=False,
        protected=False,
        annotations=branch_annotations(fleet=fleet, tenant=tenant.name, run=_RUN, branch=name, purpose=purpose),
        created_at=_LONG_AGO,
    )


def _endpoints(settings: Settings, branches: tuple[LiveBranch, ...]) -> Iterator[LiveEndpoint]:
    """Yield the compute of the default branch and of each development branch."""
    declared = {branch.name: branch for branch in settings.dev_branches or ()}
    for branch in branches:
        if branch.default or branch.name in declared:
            yield LiveEndpoint(
                id=f"{branch.id}/compute",
                branch_id=branch.id,
                kind="read_write",
                compute=_compute(settings, declared.get(branch.name)),
                active=not settings.suspended,
            )


def _replicas(settings: Settings, default: LiveBranch) -> Iterator[LiveEndpoint]:
    for name, compute in (settings.replicas or {}).items():
        yield LiveEndpoint(
            id=f"{default.id}/replica/{name}",
            branch_id=default.id,
            kind="read_only",
            compute=override_compute(DEFAULT_COMPUTE, compute) or DEFAULT_COMPUTE,
            active=not settings.suspended,
            name=name,
        )


def _roles(settings: Settings, branch: LiveBranch) -> tuple[str, ...]:
    """Return the roles of the default branch, with which every branch begins, and the branch's own."""
    own = _declared(settings, branch)
    roles = (settings.first_database.owner, *(settings.roles or ()), *((own and own.roles) or ()))
    return tuple(dict.fromkeys(roles))


def _databases(settings: Settings, branch: LiveBranch) -> tuple[Database, ...]:
    """Return the databases of the default branch, with which every branch begins, and the branch's own."""
    own = _declared(settings, branch)
    databases = (settings.first_database, *(settings.databases or ()), *((own and own.databases) or ()))
    return tuple({database.name: database for database in databases}.values())


def _declared(settings: Settings, branch: LiveBranch) -> DevBranch | None:
    return next((one for one in settings.dev_branches or () if one.name == branch.name), None)


def _compute(settings: Settings, branch: DevBranch | None) -> Compute:
    """Return the declared compute of a branch; None is the default branch."""
    combined = override_compute(DEFAULT_COMPUTE, settings.compute)
    if branch is not None:
        combined = override_compute(combined, branch.compute)
    return combined or DEFAULT_COMPUTE


def _snapshots(settings: Settings, default: LiveBranch, now: datetime) -> Iterator[LiveSnapshot]:
    """Yield the declared snapshots that Neon keeps as such."""
    if settings.snapshot_policy.method is not SnapshotMethod.API:
        return
    for snapshot in settings.snapshots or ():
        if not expired(snapshot.expires_at, now):
            yield LiveSnapshot(
                f"{default.id}/{snapshot.name}", snapshot.name, default.id, _LONG_AGO, snapshot.expires_at
            )
