"""Projects that a name finds: whose data is in them, and what says that they are the tenant's.

A name alone proves nothing. Until something else confirms it, what differs of such a project is only reported, and
the project is marked, so that the next run knows it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.plan import declared_fields
from reconciler.plan.action import AdoptProject
from reconciler.plan.change import FieldChange, Origin
from reconciler.plan.history import Past
from reconciler.plan.ownership import annotated_at, annotated_tenant, created_for, handed_out, made_for
from reconciler.plan.plan import Conflict, Note

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.history import History
    from reconciler.plan.identity import Identities

SAME_LIFE: Final = timedelta(days=7)
"""So long after its annotation a project of a new tenant is its own: of a run that died, of a sign-up's retry."""
MARK: Final = "neon-reconciler-adoption"
"""The name of the branch that marks an adopted project."""
PATH: Final = "adoption"
"""The field that an adoption changes: no file speaks of it."""


def confirmed(
    desired: DesiredState, live: LiveState, history: History, tenant: Tenant, project: LiveProject
) -> bool:
    """Whether more than its name says that the project is the tenant's."""
    return (
        _told(tenant, project, live)
        or created_for(project, desired) == tenant.name
        or history.handled(tenant.name)
    )


def _told(tenant: Tenant, project: LiveProject, live: LiveState) -> bool:
    """Whether a row of the registry, or what ``_stated`` names, says so."""
    return project.id == live.places.get(tenant.name) or _stated(tenant, project, live)


def _stated(tenant: Tenant, project: LiveProject, live: LiveState) -> bool:
    """Whether a pin, a recovery or a revision that was accepted says so: each speaks for a person or a program."""
    return project.id in (tenant.project_id, tenant.recover) or tenant.name in live.revisions


def past(
    desired: DesiredState, live: LiveState, history: History, tenant: Tenant, project: LiveProject | None
) -> Past | None:
    """What the files said of the tenant. Of a project that was found, what differs is no commit's doing.

    That holds unless the files declared the tenant before, or a document speaks of it. A row of the registry may
    be what an earlier run put down when it found the project: it says whose the project is, and not who asked.
    """
    said = history.past(tenant.name)
    if project is None or tenant.absent or (said is not None and (said.declared or said.document)):
        return said
    if _stated(tenant, project, live) or made_for(project, desired) == tenant.name:
        return said
    now = declared_fields.fields(desired, tenant)
    return Past(now, now)


def adopt(desired: DesiredState, tenant: Tenant, project: LiveProject) -> AdoptProject | Note:
    """What marks a project that was found by its name alone, or why nothing does."""
    found = f"project {project.id} ({project.name} in {project.organization}) was found by its name alone"
    if desired.registry is not None:
        return Note(tenant.name, f"{found}: apply puts it down in the registry", tenant.location)
    branch = project.default_branch
    if branch is None or not _has_room(desired, project):
        why = "there is no room for a branch that marks it" if branch else "its branches were not read"
        return Note(
            tenant.name, f"{found}, and {why}: state project_id: {project.id} in its file", tenant.location
        )
    return AdoptProject(
        tenant=tenant.name,
        reason="found by its name alone: leaves a mark and changes nothing",
        source=tenant.location,
        changes=(FieldChange(PATH, None, MARK, origin=Origin.CONFIG),),
        project_id=project.id,
        branch=MARK,
        parent=branch.name,
    )


def _has_room(desired: DesiredState, project: LiveProject) -> bool:
    organization, branches = desired.organizations.get(project.organization), project.branches or ()
    limit = None if organization is None else organization.limits.branches
    taken = any(branch.name == MARK for branch in branches)
    return not taken and (limit is None or len(branches) < limit)


def given_out_again(
    desired: DesiredState,
    live: LiveState,
    history: History,
    tenants: Iterable[Tenant],
    identities: Identities,
    now: datetime,
) -> dict[str, Conflict]:
    """New tenants whose name finds the project of an earlier tenant of that name.

    What their files call an earlier name of theirs (``previously``) is theirs.
    """
    found = ((tenant, identities.projects.get(tenant.name)) for tenant in tenants if not tenant.absent)
    return {
        tenant.name: _conflict(tenant, project)
        for tenant, project in found
        if project is not None
        and history.new(tenant.name)
        and not _told(tenant, project, live)
        and annotated_tenant(project, desired.fleet) == tenant.name
        and not _of_this_life(desired, history, tenant, project, now)
    }


def _of_this_life(
    desired: DesiredState, history: History, tenant: Tenant, project: LiveProject, now: datetime
) -> bool:
    """Whether the annotation is this tenant's: it is of these days, or was made by the door that asks now.

    A tenant that documents alone speak of is in no file and at no base: what ``converge`` annotated for one is its
    own. A commit that declares a tenant that was not there before speaks of another life.
    """
    young = annotated_at(project, desired.fleet) >= now - SAME_LIFE
    return young or (tenant.name in history.documents and handed_out(project, desired.fleet))


def _conflict(tenant: Tenant, project: LiveProject) -> Conflict:
    return Conflict(
        tenant.name,
        f"the tenant is new to the files, and project {project.id} ({project.name} in {project.organization}) "
        f"was created for one of its name on {project.created_at:%Y-%m-%d}: its data may be an earlier customer's",
        f"if it is this tenant's, state project_id: {project.id} in its file; if not, delete or rename it",
        tenant.location,
    )
