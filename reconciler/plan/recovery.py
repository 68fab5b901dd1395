"""Bringing a deleted project back: only where a file names its id, and never by a name alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.plan import declared_fields
from reconciler.plan.action import RecoverProject
from reconciler.plan.change import FieldChange
from reconciler.plan.history import origin
from reconciler.plan.plan import Conflict, Note, TenantPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import DeletedProject, LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.history import Past
    from reconciler.plan.identity import Identities


@dataclass(frozen=True, slots=True)
class ById:
    """What was seen, by id: each of many tenants may name a project."""

    alive: Mapping[str, LiveProject]
    deleted: Mapping[str, DeletedProject]

    @classmethod
    def of(cls, live: LiveState) -> ById:
        """Of a view."""
        alive = {project.id: project for project in live.projects}
        return cls(alive, {deleted.project.id: deleted for deleted in reversed([*live.recoverable])})


REMOVE = (
    "remove recover: --allow creates=N, the number of all creations of the run, then permits a new, empty project"
)


def asked(tenant: Tenant, identities: Identities) -> str | None:
    """The id of the project that the tenant's file asks to bring back and that is not its live one already."""
    if tenant.absent or tenant.name in identities.unseen or tenant.name in identities.conflicts:
        return None
    project = identities.projects.get(tenant.name)
    return None if project is not None and project.id == tenant.recover else tenant.recover


def to_be_listed(tenants: Iterable[Tenant], identities: Identities, *, mention: bool) -> bool:
    """Whether a plan for these tenants has to know which projects can be recovered.

    ``mention`` says that those which are to be created are to be told of an older project.
    """
    nowhere = (tenant for tenant in tenants if not tenant.absent and identities.nowhere(tenant))
    return any(mention or tenant.recover is not None for tenant in nowhere)


def conflict(
    desired: DesiredState, live: LiveState, seen: ById, tenant: Tenant, identities: Identities, now: datetime
) -> Conflict | None:
    """Why the project that the tenant's file asks for cannot be brought back; it is not replaced by a new one."""
    project_id = asked(tenant, identities)
    if project_id is None:
        return None
    if project := identities.projects.get(tenant.name):
        return _has_another(tenant, project_id, project)
    if alive := seen.alive.get(project_id):
        return _lives_elsewhere(tenant, alive)
    if deleted := seen.deleted.get(project_id):
        return _unfit(desired, tenant, deleted, now)
    return _not_among_the_deleted(desired, live, tenant, project_id)


def _unfit(desired: DesiredState, tenant: Tenant, deleted: DeletedProject, now: datetime) -> Conflict | None:
    if deleted.recoverable_until <= now:
        return _too_late(tenant, deleted)
    if tenant.project_id is None and deleted.project.name not in desired.project_names(tenant.name):
        return _foreign(desired, tenant, deleted)
    return None


def plan(seen: ById, tenant: Tenant, identities: Identities, past: Past | None) -> TenantPlan | None:
    """The recovery that the tenant's file asks for, once there is no conflict about it."""
    project_id = asked(tenant, identities)
    deleted = None if project_id is None else seen.deleted.get(project_id)
    if deleted is None:
        return None
    why = origin(declared_fields.RECOVER, {declared_fields.RECOVER: tenant.recover}, past)
    action = RecoverProject(
        tenant=tenant.name,
        reason=f"recover: {deleted.project.id}",
        source=tenant.location,
        changes=(FieldChange(declared_fields.STATE, declared_fields.ABSENT, declared_fields.PRESENT, origin=why),),
        project_id=deleted.project.id,
        recoverable_until=deleted.recoverable_until,
    )
    return TenantPlan(tenant.name, deleted.project, (action,), tenant.revision)


def notes(
    desired: DesiredState, live: LiveState, tenants: Iterable[Tenant], plans: Iterable[TenantPlan]
) -> Iterator[Note]:
    """What comes after a recovery, and the older projects of tenants that get a new one."""
    planned = {plan.tenant: plan.actions for plan in plans}
    by_name: dict[str, list[DeletedProject]] = {}
    for deleted in live.recoverable:
        by_name.setdefault(deleted.project.name, []).append(deleted)
    for tenant in tenants:
        if any(isinstance(action, RecoverProject) for action in planned.get(tenant.name, ())):
            words = "comes back as it was: what differs from the files then is planned by the next run"
            yield Note(tenant.name, f"project {tenant.recover} {words}", tenant.location)
        elif tenant.name in planned and tenant.recover is None and not tenant.absent:
            for name in desired.project_names(tenant.name):
                yield from (_older(tenant, deleted) for deleted in by_name.get(name, ()))


def _older(tenant: Tenant, deleted: DeletedProject) -> Note:
    message = (
        f"an older project of this name can be recovered until {_until(deleted)}; if its data is this tenant's, "
        f"write recover: {deleted.project.id} instead of letting a new one be created"
    )
    return Note(tenant.name, message, tenant.location)


def _until(deleted: DeletedProject) -> str:
    return f"{deleted.recoverable_until:%Y-%m-%d %H:%M} UTC"


def _has_another(tenant: Tenant, project_id: str, project: LiveProject) -> Conflict:
    return Conflict(
        tenant.name,
        f"recover names project {project_id}, but the tenant has live project {project.id} "
        f"({project.name} in {project.organization}): there would be two",
        "remove recover, or rename or delete the live project first",
        tenant.location,
    )


def _lives_elsewhere(tenant: Tenant, project: LiveProject) -> Conflict:
    return Conflict(
        tenant.name,
        f"recover names project {project.id}, which is live as {project.name} in {project.organization}",
        f"if it is this tenant's, state project_id: {project.id} instead; if not, {REMOVE}",
        tenant.location,
    )


def _not_among_the_deleted(desired: DesiredState, live: LiveState, tenant: Tenant, project_id: str) -> Conflict:
    unread = [name for name in desired.organizations if name not in live.deleted]
    if unread:
        return Conflict(
            tenant.name,
            f"the API would not list the deleted projects of {', '.join(unread)}: whether {project_id} can be "
            "recovered is not known",
            "run again later",
            tenant.location,
        )
    return Conflict(
        tenant.name,
        f"project {project_id} is not live, and not among the deleted projects that can be recovered: Neon "
        "keeps them for 7 days",
        f"correct the id, or {REMOVE}",
        tenant.location,
    )


def _too_late(tenant: Tenant, deleted: DeletedProject) -> Conflict:
    return Conflict(
        tenant.name,
        f"project {deleted.project.id} could be recovered until {_until(deleted)} only",
        REMOVE,
        tenant.location,
    )


def _foreign(desired: DesiredState, tenant: Tenant, deleted: DeletedProject) -> Conflict:
    expected = " or ".join(map(repr, desired.project_names(tenant.name)))
    return Conflict(
        tenant.name,
        f"deleted project {deleted.project.id} was called {deleted.project.name!r}, and this tenant's is "
        f"{expected}: its data may be somebody else's",
        f"correct the id; if it is this tenant's all the same, state project_id: {deleted.project.id} beside it",
        tenant.location,
    )
