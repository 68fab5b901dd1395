"""Live projects of the names that tenants are about to get: who has got one meanwhile is left with that one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.neon.observe import find_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.apply.session import Session
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import TenantPlan


async def namesakes(
    session: Session, names: Sequence[str], *, ended: Callable[[], bool] = lambda: False
) -> dict[str, list[LiveProject]]:
    """The live projects of each name that there are any of, by whichever calls are fewer.

    Once ``ended`` says so no further name is searched for.
    """
    found: dict[str, list[LiveProject]] = {}
    listed = {name: count for name, count in session.organizations.items() if count is not None}
    places = tuple(session.organizations)
    for project in await find_named(session.neon, places, names, listed=listed, ended=ended):
        found.setdefault(project.name, []).append(project)
    return found


async def still_absent(
    session: Session, tenants: Sequence[TenantPlan], name: Callable[[TenantPlan], str]
) -> list[TenantPlan]:
    """The tenants whose project has not appeared since the plan was made; the others are skipped.

    None once the run is to end: not every name was searched for then.
    """
    names = [name(tenant) for tenant in tenants]
    try:
        appeared = await namesakes(session, names, ended=lambda: session.stop.requested)
    except ReconcilerError as error:
        for tenant in tenants:
            session.tally.failed(tenant.actions[0], error)
        return []
    absent = []
    for tenant in tenants:
        if there := appeared.get(name(tenant)):
            message, hint = _appeared(there[0]), "run again: it is planned afresh"
            session.tally.skipped(tenant.actions[0], message, hint)
        else:
            absent.append(tenant)
    return [] if session.stop.requested else absent


def _appeared(project: LiveProject) -> str:
    return f"project {project.name} ({project.id}) has appeared in {project.organization} since the plan was made"
