"""What the registry says of a project besides its id: from the files and from live state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.live.registered import Record, RowState
from reconciler.model.hosts import pooled_host
from reconciler.model.values import replace

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject


PERIODIC: Final = ("active_time_seconds", "compute_time_seconds", "written_data_bytes", "data_transfer_bytes")
"""Neon suspends a project that has reached one of these quotas, until the next billing period."""


def live_record(project: LiveProject) -> Record:
    """Return what live state shows. The hosts are known where branches and computes were read."""
    compute = project.read_write(project.default_branch)
    host = compute.host if compute is not None and compute.host else None
    return Record(
        region=project.region,
        host=host,
        pooled_host=None if host is None else pooled_host(host),
        state=RowState.SUSPENDED if quota_reached(project) else None,
        project_created_at=project.created_at,
    )


def quota_reached(project: LiveProject) -> bool | None:
    """Return whether Neon has suspended the project; None unless its counters were read, which no list shows."""
    if project.consumption is None or project.quota is None:
        return None
    limits = {name: getattr(project.quota, name) for name in PERIODIC}
    used = {name: getattr(project.consumption, name) for name in PERIODIC}
    return any(limit and (used[name] or 0) >= limit for name, limit in limits.items())


def declared_record(desired: DesiredState, tenant: Tenant) -> Record:
    """Return what the files say, which holds once the tenant matches them."""
    database, role = desired.database_and_role(tenant)
    state = RowState.SUSPENDED if tenant.suspended else RowState.READY
    return Record(tier=tenant.tier, database=database, role=role, state=state)


def matching_record(desired: DesiredState, name: str, project: LiveProject, row: Record) -> Record:
    """Return the record of a tenant that matches its file. A tenant that no file declares has the live part.

    A row that says suspended keeps that until the counters of the project are read.
    """
    live, tenant = live_record(project), desired.tenants.get(name)
    if tenant is None or tenant.absent:
        return live
    declared = declared_record(desired, tenant)
    if declared.state is RowState.READY:
        suspended = row.state is RowState.SUSPENDED and quota_reached(project) is None
        declared = replace(declared, state=RowState.SUSPENDED if suspended else live.state or RowState.READY)
    return replace(live, **declared.known)
