"""Projects found by name: whose data they hold, and what confirms that they belong to the tenant.

A name alone proves nothing. Until another source confirms it, differences of such a project are only reported, and
the project is marked, so that the next run recognizes it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.plan import declared_fields
from reconciler.plan.actions.project import AdoptProject
from reconciler.plan.change import FieldChange, Origin
from reconciler.plan.ownership import annotated_at, annotated_tenant, created_for, handed_out, made_for
from reconciler.plan.plan import Conflict, Note
from reconciler.plan.tenant_history import TenantHistory

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.model.problem import Location
    from reconciler.plan.history import History
    from reconciler.plan.identity import Identities

SAME_LIFE: Final = timedelta(days=7)
"""A new tenant's project with an annotation younger than this belongs to it: a run died, or a sign-up is
retried.
"""
MARK: Final = "neon-reconciler-adoption"
"""Name of the branch that marks an adopted project."""
PATH: Final = "adoption"
"""The field that an adoption changes; no file declares it."""


def confirmed(
    desired: DesiredState, live: LiveState, history: History, tenant: Tenant, project: LiveProject
) -> bool:
    """Return whether anything besides the name confirms that the project is the tenant's."""
    return (
        confirmed_without_annotations(tenant, project, live)
        or created_for(project, desired) == tenant.name
        or history.handled(tenant.name)
    )


def confirmed_without_annotations(tenant: Tenant, project: LiveProject, live: LiveState) -> bool:
    """Return whether the registry confirms the project, or one of the sources in ``_stated``."""
    return project.id == live.registered_id(tenant.name) or _stated(tenant, project, live)


def _stated(tenant: Tenant, project: LiveProject, live: LiveState) -> bool:
    """Whether a pin, ``recover`` or an accepted revision confirms it: a person or a program stated it."""
    return project.id in (tenant.project_id, tenant.recover) or tenant.name in live.revisions


def past(
    desired: DesiredState, live: LiveState, history: History, tenant: Tenant, project: LiveProject | None
) -> TenantHistory | None:
    """Return the tenant's history. Differences of a project found by name have no commit as their cause.

    Exceptions: the files declared the tenant before, or a document declares it. A registry row does not count as
    such: an earlier run may have written it when it found the project.
    """
    earlier = history.past(tenant.name)
    if project is None or tenant.absent or (earlier is not None and (earlier.declared or earlier.document)):
        return earlier
    if _stated(tenant, project, live) or made_for(project, desired) == tenant.name:
        return earlier
    now = declared_fields.fields(desired, tenant)
    return TenantHistory(now, now)


def adopt(desired: DesiredState, tenant: Tenant, project: LiveProject) -> AdoptProject | Note:
    """Return the action that marks a project found by name only, or a note why none can."""
    found = f"project {project.id} ({project.name} in {project.organization}) was found by name only"
    if desired.registry is not None:
        return Note.about(tenant, f"{found}: apply records it in the registry")
    branch = project.default_branch
    if branch is None or not _has_room(desired, project):
        why = "the branch limit leaves no room for a marker branch" if branch else "its branches were not read"
        return Note.about(tenant, f"{found}, and {why}: add project_id: {project.id} to its file")
    reason = "found by name only: marks the project and changes nothing else"
    return mark(tenant.name, reason, tenant.location, project.id, branch.name)


def mark(tenant: str, reason: str, source: Location, project_id: str, default_branch: str) -> AdoptProject:
    """Return the action that marks a project as the tenant's."""
    return AdoptProject(
        tenant=tenant,
        reason=reason,
        source=source,
        changes=(FieldChange(PATH, None, MARK, origin=Origin.CONFIG),),
        project_id=project_id,
        branch=MARK,
        parent=default_branch,
    )


def _has_room(desired: DesiredState, project: LiveProject) -> bool:
    limit, branches = desired.limits(project.organization).branches, project.branches or ()
    taken = any(branch.name == MARK for branch in branches)
    return not taken and (limit is None or len(branches) < limit)


def reused_names(
    desired: DesiredState,
    live: LiveState,
    history: History,
    tenants: Iterable[Tenant],
    identities: Identities,
    now: datetime,
) -> dict[str, Conflict]:
    """Return conflicts of new tenants whose name matches the project of an earlier tenant of that name.

    Names that a file lists as ``previously`` belong to its tenant.
    """
    return {
        tenant.name: _conflict(tenant, project)
        for tenant, project in identities.matched(tenants)
        if not tenant.absent
        and history.new(tenant.name)
        and not confirmed_without_annotations(tenant, project, live)
        and annotated_tenant(project, desired.fleet) == tenant.name
        and not _of_this_life(desired, history, tenant, project, now)
    }


def _of_this_life(
    desired: DesiredState, history: History, tenant: Tenant, project: LiveProject, now: datetime
) -> bool:
    """Return whether the annotation is the current tenant's: it is recent, or ``converge`` made it.

    A tenant that only documents declare is in no file and at no base: what ``converge`` annotated belongs to it. A
    commit that declares a new tenant is about another customer.
    """
    young = annotated_at(project, desired.fleet) >= now - SAME_LIFE
    return young or (tenant.name in history.documents and handed_out(project, desired.fleet))


def _conflict(tenant: Tenant, project: LiveProject) -> Conflict:
    return Conflict.about(
        tenant,
        f"the tenant is new in the files, but project {project.id} ({project.name} in "
        f"{project.organization}) was created for a tenant with its name on {project.created_at:%Y-%m-%d}: "
        "the data may be an earlier customer's",
        f"if the project is this tenant's, add project_id: {project.id} to its file; if not, delete or "
        "rename the project",
    )
