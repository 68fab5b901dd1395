"""The actions that begin and end a project: create, delete by tombstone, prune."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan import wanted
from reconciler.plan.action import CreateProject, DeleteProject
from reconciler.plan.change import FieldChange, Origin, Risk

if TYPE_CHECKING:
    from reconciler.desired.problem import Location
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.plan.change import Value
    from reconciler.plan.concerns.concern import Fields

NOT_SENT = frozenset({wanted.STATE, "organization"})
"""Wanted fields that are no value of the project: the call itself expresses them."""


def create(desired: DesiredState, tenant: Tenant, before: Fields | None) -> CreateProject:
    """One call that carries everything: quota, computes, restore window and annotations in the same request."""
    settings = desired.settings(tenant)
    now = wanted.fields(desired, tenant)
    origin = wanted.origin(wanted.STATE, now, before)
    values = {**_facts(desired, tenant), **{path: v for path, v in now.items() if path not in NOT_SENT}}
    return CreateProject(
        tenant=tenant.name,
        reason=f"tier {settings.tier}, no live project",
        source=tenant.location,
        changes=tuple(FieldChange(path, None, value, origin=origin) for path, value in values.items()),
        organization=settings.organization,
    )


def _facts(desired: DesiredState, tenant: Tenant) -> dict[str, Value]:
    """What counts at creation only. The branch's name is always sent, so that it is known afterwards."""
    defaults, pins = desired.defaults, tenant.pins
    return {
        "name": desired.naming.project_name(tenant.name),
        "region": pins.region or defaults.region,
        "pg_version": pins.pg_version or defaults.pg_version,
        "branch": defaults.branch,
        "database": pins.database or defaults.database,
        "role": pins.role or defaults.role,
    }


def delete(desired: DesiredState, tenant: Tenant, project_id: str, before: Fields | None) -> DeleteProject:
    """A tombstone's project."""
    origin = wanted.origin(wanted.STATE, wanted.fields(desired, tenant), before)
    return _removal(tenant.name, project_id, "state: absent", tenant.location, origin)


def prune(tenant: str, project_id: str, source: Location) -> DeleteProject:
    """An orphan's project, because a person said ``--prune``."""
    return _removal(tenant, project_id, "no file declares it (--prune)", source, Origin.UNKNOWN)


def _removal(tenant: str, project_id: str, reason: str, source: Location, origin: Origin) -> DeleteProject:
    change = FieldChange(
        wanted.STATE, wanted.PRESENT, wanted.ABSENT, Risk.DESTRUCTIVE, lowering=True, origin=origin
    )
    return DeleteProject(tenant=tenant, reason=reason, source=source, changes=(change,), project_id=project_id)
