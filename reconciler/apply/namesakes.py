"""Live projects of the names that tenants are about to get: who has got one meanwhile is left with that one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.neon.observe import find_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.session import Session
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import TenantPlan


async def namesakes(session: Session, names: Sequence[str]) -> dict[str, list[LiveProject]]:
    """The live projects of each name that there are any of, by whichever calls are fewer."""
    found: dict[str, list[LiveProject]] = {}
    listed = {name: count for name, count in session.organizations.items() if count is not None}
    places = tuple(session.organizations)
    for project in await find_named(session.neon, places, names, listed=listed):
        found.setdefault(project.name, []).append(project)
    return found


async def still_absent(session: Session, tenant: TenantPlan, name: str) -> bool:
    """Whether no project has got a name that the tenant's is known by; else the tenant is skipped.

    By a search for ``name`` and for the tenant's older names in every organization: a list that misses a project
    once may miss it twice. What the plan has seen of that name is another's. False once the run is to end, as not
    every organization was asked then.
    """
    places = tuple(session.organizations)
    names = tuple(dict.fromkeys((name, *session.project_names(tenant.tenant))))
    try:
        named = await find_named(session.neon, places, names, ended=lambda: session.stop.requested)
        found = [project for project in named if (project.id, project.name) not in session.seen]
    except ReconcilerError as error:
        session.tally.failed(tenant.actions[0], error)
        return False
    if found:
        session.tally.skipped(tenant.actions[0], _appeared(found[0]), "run again: it is planned afresh")
    return not found and not session.stop.requested


def _appeared(project: LiveProject) -> str:
    return f"project {project.name} ({project.id}) has appeared in {project.organization} since the plan was made"
