"""Which project's connection string may be read for a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import NoConnectionStringError
from reconciler.plan import adoption
from reconciler.plan.guards.unconfirmed import BY_PIN
from reconciler.plan.identity import identify

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.history import History
    from reconciler.plan.plan import Plan


def own_project(desired: DesiredState, plan: Plan, live: LiveState, history: History, tenant: str) -> LiveProject:
    """The tenant's project, of which more than its name says that it is its own: the string opens all its data.

    Raises NoConnectionStringError where there is none, where several could be it, or where nothing else says so.
    """
    for conflict in plan.conflicts:
        if conflict.tenant == tenant:
            raise NoConnectionStringError(conflict.message, hint=conflict.remedy)
    identities, declared = identify(desired, live), desired.tenants[tenant]
    project = identities.projects.get(tenant)
    if tenant in identities.unseen:
        raise NoConnectionStringError(f"Neon does not show the project of tenant {tenant}", hint="run again later")
    if project is None:
        raise NoConnectionStringError(
            f"tenant {tenant} has no project", hint=f"`reconciler converge {tenant}` creates it"
        )
    if not adoption.confirmed(desired, live, history, declared, project):
        raise NoConnectionStringError(
            f"project {project.id} was found by its name alone: it may be another customer's", hint=BY_PIN
        )
    return project
