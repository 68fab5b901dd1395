"""Recovering a project, once nothing has taken its place since the plan was made."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.apply.acceptance import accepted
from reconciler.apply.address import Address
from reconciler.apply.claims import claim, deadline, in_time, release
from reconciler.errors import ClaimedError, ReconcilerError
from reconciler.neon.observe import find_named

if TYPE_CHECKING:
    from reconciler.apply.perform import Performed
    from reconciler.apply.session import Session
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
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
    elif accepted(session, [tenant]):
        await _bring_back(session, action, address)


async def _bring_back(session: Session, action: Action, address: Address) -> None:
    """Under a claim where a registry is kept: a sign-up at the same moment would make a second project."""
    try:
        back = await _claimed(session, action, address)
    except ClaimedError as claimed:
        session.tally.skipped(action, str(claimed), claimed.hint)
    except ReconcilerError as error:
        session.tally.failed(action, error)
    else:
        told = session.moved(action.tenant, back.address.project_id, back.address.organization)
        session.tally.applied(action, told, request_id=back.request_id)


async def _claimed(session: Session, action: Action, address: Address) -> Performed:
    until = deadline()
    await claim(session, action.tenant, address.name, recovered=address.project_id)
    try:
        return await session.act(action, address, within=partial(in_time, session, until=until))
    except ReconcilerError as error:
        release(session, action.tenant, error)
        raise


def _appeared(project: LiveProject) -> str:
    return f"project {project.name} ({project.id}) is live in {project.organization} since the plan was made"
