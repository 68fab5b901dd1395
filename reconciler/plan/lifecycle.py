"""The actions that create and delete a project: create, delete by tombstone, prune."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.settings import override_compute
from reconciler.live.project import LiveBranch, LiveProject
from reconciler.model.compute import DEFAULT_COMPUTE
from reconciler.plan import declared_fields
from reconciler.plan.actions.project import CreateProject, DeleteProject
from reconciler.plan.change import FieldChange, Origin
from reconciler.plan.concerns.compute import COMPUTE
from reconciler.plan.concerns.concern import existence
from reconciler.plan.concerns.free_form import FREE_FORM
from reconciler.plan.concerns.quota import QUOTA
from reconciler.plan.concerns.restore_window import RESTORE_WINDOW
from reconciler.plan.tenant_history import STATE, origin

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.model.problem import Location
    from reconciler.model.values import Value
    from reconciler.plan.tenant_history import TenantHistory

SENT = (QUOTA, COMPUTE, RESTORE_WINDOW, FREE_FORM)
"""Concerns whose declared fields are sent with the creation."""


def create(desired: DesiredState, tenant: Tenant, past: TenantHistory | None) -> CreateProject:
    """Return one call with everything: quota, computes, restore window and annotations in the same request."""
    settings = desired.settings(tenant)
    now = declared_fields.fields(desired, tenant)
    why = origin(STATE, now, past)

    def caused(path: str) -> Origin:
        """A change of a tenant that was declared before is caused by the files; its creation is not."""
        moved = why is Origin.DRIFT and origin(path, now, past) is Origin.CONFIG
        return Origin.CONFIG if moved else why

    managed = {path: value for concern in SENT for path, value in concern.wanted(settings).items()}
    values = {**_facts(desired, tenant), **managed}
    return CreateProject(
        tenant=tenant.name,
        reason=f"tier {settings.tier}, no live project",
        source=tenant.location,
        changes=tuple(FieldChange(path, None, value, origin=caused(path)) for path, value in values.items()),
        organization=settings.organization,
    )


def _facts(desired: DesiredState, tenant: Tenant) -> dict[str, Value]:
    """Return the fields that apply at creation only. The branch name is always sent, so that it is known later."""
    defaults, pins = desired.defaults, tenant.pins
    database, role = desired.database_and_role(tenant)
    return {
        "name": desired.project_name(tenant),
        "region": pins.region or defaults.region,
        "pg_version": pins.pg_version or defaults.pg_version,
        "branch": desired.default_branch(tenant),
        "database": database,
        "role": role,
    }


def as_created(desired: DesiredState, tenant: Tenant, action: CreateProject, now: datetime) -> LiveProject:
    """Return the project as the creation makes it, with a default branch only, for the actions that follow."""
    settings = desired.settings(tenant)
    branch = LiveBranch(
        id="",
        name=desired.default_branch(tenant),
        parent_id=None,
        default=True,
        protected=False,
        annotations={},
        created_at=now,
    )
    return LiveProject(
        id="",
        name=desired.project_name(tenant),
        organization=action.organization,
        region=tenant.pins.region or desired.defaults.region,
        pg_version=tenant.pins.pg_version or desired.defaults.pg_version,
        created_at=now,
        quota=settings.quota,
        compute=override_compute(DEFAULT_COMPUTE, settings.compute),
        restore_window_seconds=settings.restore_window_seconds,
        settings=settings.settings,
        branches=(branch,),
        endpoints=(),
        snapshots=(),
        roles={branch.id: (settings.first_database.owner,)},
        databases={branch.id: (settings.first_database,)},
    )


def delete(desired: DesiredState, tenant: Tenant, project_id: str, past: TenantHistory | None) -> DeleteProject:
    """Return the deletion of a tombstone's project."""
    why = origin(STATE, declared_fields.fields(desired, tenant), past, reduces=True)
    return _removal(tenant.name, project_id, "state: absent", tenant.location, why)


def prune(tenant: str, project_id: str, source: Location) -> DeleteProject:
    """Return the deletion of an orphan, because of ``--prune``."""
    return _removal(tenant, project_id, "no file declares it (--prune)", source, Origin.UNKNOWN)


def _removal(tenant: str, project_id: str, reason: str, source: Location, why: Origin) -> DeleteProject:
    change = existence(STATE, why, before=True)
    return DeleteProject(tenant=tenant, reason=reason, source=source, changes=(change,), project_id=project_id)
