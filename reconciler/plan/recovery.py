"""Recovery of a deleted project: only if a file names its id, never by name only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.plan import declared_fields
from reconciler.plan.actions.project import RecoverProject
from reconciler.plan.concerns.concern import existence
from reconciler.plan.plan import Conflict, Note, TenantPlan
from reconciler.plan.tenant_history import STATE, origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import DeletedProject, LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.identity import Identities
    from reconciler.plan.tenant_history import TenantHistory


class ProjectsById(Struct, frozen=True):
    """Observed projects by id."""

    alive: Mapping[str, LiveProject]
    deleted: Mapping[str, DeletedProject]

    @classmethod
    def of(cls, live: LiveState) -> ProjectsById:
        """Return the index of a live state."""
        alive = {project.id: project for project in live.projects}
        return cls(alive, {deleted.project.id: deleted for deleted in reversed([*live.recoverable])})


REMOVE = (
    "remove recover; then --allow creates=N (the number of all creations of the run) permits a new, empty project"
)


def asked(tenant: Tenant, identities: Identities) -> str | None:
    """Return the project id that the tenant's file asks to recover, if it is not its live project."""
    if tenant.absent or tenant.name in identities.not_returned or tenant.name in identities.conflicts:
        return None
    project = identities.projects.get(tenant.name)
    return None if project is not None and project.id == tenant.recover else tenant.recover


def to_be_listed(tenants: Iterable[Tenant], identities: Identities, *, mention: bool) -> bool:
    """Return whether a plan for these tenants needs the recoverable projects.

    ``mention`` says that tenants to be created get a note about an older project.
    """
    nowhere = (tenant for tenant in tenants if not tenant.absent and identities.nowhere(tenant))
    return any(mention or tenant.recover is not None for tenant in nowhere)


def conflict(
    desired: DesiredState,
    live: LiveState,
    seen: ProjectsById,
    tenant: Tenant,
    identities: Identities,
    now: datetime,
) -> Conflict | None:
    """Return why the project cannot be recovered; it is not replaced by a new one."""
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


def plan(
    seen: ProjectsById, tenant: Tenant, identities: Identities, past: TenantHistory | None
) -> TenantPlan | None:
    """Return the recovery that the tenant's file asks for, if there is no conflict about it."""
    project_id = asked(tenant, identities)
    deleted = None if project_id is None else seen.deleted.get(project_id)
    if deleted is None:
        return None
    why = origin(declared_fields.RECOVER, {declared_fields.RECOVER: tenant.recover}, past)
    action = RecoverProject(
        tenant=tenant.name,
        reason=f"recover: {deleted.project.id}",
        source=tenant.location,
        changes=(existence(STATE, why, before=False),),
        project_id=deleted.project.id,
        recoverable_until=deleted.recoverable_until,
    )
    return TenantPlan(tenant.name, deleted.project, (action,), tenant.revision)


def notes(
    desired: DesiredState, live: LiveState, tenants: Iterable[Tenant], plans: Iterable[TenantPlan]
) -> Iterator[Note]:
    """Yield notes on what follows a recovery, and on older projects of tenants that get a new one."""
    planned = {plan.tenant: plan.actions for plan in plans}
    by_name: dict[str, list[DeletedProject]] = {}
    for deleted in live.recoverable:
        by_name.setdefault(deleted.project.name, []).append(deleted)
    for tenant in tenants:
        if any(isinstance(action, RecoverProject) for action in planned.get(tenant.name, ())):
            words = "is recovered as it was: the next run plans what differs from the files"
            yield Note.about(tenant, f"project {tenant.recover} {words}")
        elif tenant.name in planned and tenant.recover is None and not tenant.absent:
            for name in desired.project_names(tenant.name):
                yield from (_older(tenant, deleted) for deleted in by_name.get(name, ()))


def _older(tenant: Tenant, deleted: DeletedProject) -> Note:
    message = (
        f"an older project with this name can be recovered until {_until(deleted)}; if its data is this "
        f"tenant's, add recover: {deleted.project.id} to the file instead of creating a new project"
    )
    return Note.about(tenant, message)


def _until(deleted: DeletedProject) -> str:
    return f"{deleted.recoverable_until:%Y-%m-%d %H:%M} UTC"


def _has_another(tenant: Tenant, project_id: str, project: LiveProject) -> Conflict:
    return Conflict.about(
        tenant,
        f"recover names project {project_id}, but the tenant already has live project {project.id} "
        f"({project.name} in {project.organization})",
        "remove recover, or rename or delete the live project first",
    )


def _lives_elsewhere(tenant: Tenant, project: LiveProject) -> Conflict:
    return Conflict.about(
        tenant,
        f"recover names project {project.id}, which is live as {project.name} in {project.organization}",
        f"if it is this tenant's, replace recover by project_id: {project.id}; if not, {REMOVE}",
    )


def _not_among_the_deleted(desired: DesiredState, live: LiveState, tenant: Tenant, project_id: str) -> Conflict:
    unread = [name for name in desired.organizations if name not in live.deleted]
    if unread:
        return Conflict.about(
            tenant,
            f"the API did not list the deleted projects of {', '.join(unread)}: whether {project_id} can be "
            "recovered is unknown",
            "run again later",
        )
    return Conflict.about(
        tenant,
        f"project {project_id} is neither live nor recoverable: Neon keeps deleted projects for 7 days",
        f"correct the id, or {REMOVE}",
    )


def _too_late(tenant: Tenant, deleted: DeletedProject) -> Conflict:
    return Conflict.about(
        tenant, f"project {deleted.project.id} could only be recovered until {_until(deleted)}", REMOVE
    )


def _foreign(desired: DesiredState, tenant: Tenant, deleted: DeletedProject) -> Conflict:
    expected = " or ".join(map(repr, desired.project_names(tenant.name)))
    return Conflict.about(
        tenant,
        f"deleted project {deleted.project.id} had the name {deleted.project.name!r}, but this tenant's is "
        f"{expected}: its data may be another customer's",
        f"correct the id; if it is this tenant's, add project_id: {deleted.project.id} as well",
    )
