"""Recovering a project, once nothing has taken its place since the plan was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.apply.acceptance import accepted
from reconciler.apply.address import Address
from reconciler.errors import ReconcilerError
from reconciler.neon.observe import find_named

if TYPE_CHECKING:
    from reconciler.apply.session import Session
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import TenantPlan


async def recover(session: Session, tenant: TenantPlan) -> None:
    """Looks for the project's name first: a tenant that got a new project meanwhile would have two."""
    action, address = tenant.actions[0], Address.planned(tenant)
    try:
        appeared = await find_named(session.neon, tuple(session.organizations), [address.name])
    except ReconcilerError as error:
        session.tally.failed(action, error)
        return
    if appeared:
        session.tally.skipped(action, _appeared(appeared[0]), hint="run again: it is planned afresh")
        return
    if accepted(session, [tenant]):
        await session.steps(tenant.actions, address)


def _appeared(project: LiveProject) -> str:
    return f"project {project.name} ({project.id}) is live in {project.organization} since the plan was made"
