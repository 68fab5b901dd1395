"""Projects that are found by name alone for tenants that are new to the files: whose data is in them?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.plan.ownership import annotated_tenant
from reconciler.plan.plan import Conflict

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
"""So long after its creation a project of a new tenant is its own: of a run that died, of a sign-up's retry."""


def given_out_again(
    desired: DesiredState,
    live: LiveState,
    history: History,
    tenants: Iterable[Tenant],
    identities: Identities,
    now: datetime,
) -> dict[str, Conflict]:
    """New tenants whose name finds the project that was created for an earlier tenant of that name."""
    found = ((tenant, identities.projects.get(tenant.name)) for tenant in tenants if not tenant.absent)
    return {
        tenant.name: _conflict(tenant, project)
        for tenant, project in found
        if project is not None
        and unconfirmed(tenant, project, live, history)
        and annotated_tenant(project, desired.fleet) == tenant.name
        and project.created_at < now - SAME_LIFE
    }


def unconfirmed(tenant: Tenant, project: LiveProject, live: LiveState, history: History) -> bool:
    """Whether the tenant is new, and no pin, row of the registry or revision says that it has the project."""
    confirmed = (
        tenant.project_id is not None
        or live.places.get(tenant.name) == project.id
        or tenant.name in live.revisions
        or tenant.recover == project.id
    )
    return history.new(tenant.name) and not confirmed


def _conflict(tenant: Tenant, project: LiveProject) -> Conflict:
    return Conflict(
        tenant.name,
        f"the tenant is new to the files, and project {project.id} ({project.name} in {project.organization}) "
        f"was created for one of its name on {project.created_at:%Y-%m-%d}: its data may be an earlier customer's",
        f"if it is this tenant's, state project_id: {project.id} in its file; if not, delete or rename it",
        tenant.location,
    )
