"""Recovering a project, once nothing has taken its place since the plan was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.apply.acceptance import accepted
from reconciler.apply.address import Address
from reconciler.apply.claims import claim, deadline, in_time, release
from reconciler.apply.namesakes import still_absent
from reconciler.errors import ClaimedError, ReconcilerError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from reconciler.apply.perform import Performed
    from reconciler.apply.session import Session
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan


async def recover(session: Session, tenant: TenantPlan) -> None:
    """Looks for the project's name first: a tenant that got a new project meanwhile would have two."""
    address = Address.planned(tenant)
    if await still_absent(session, tenant, address.name) and await accepted(session, [tenant]):
        await _bring_back(session, tenant.actions[0], address)


async def _bring_back(session: Session, action: Action, address: Address) -> None:
    """Under a claim where a registry is kept: a sign-up at the same moment would make a second project."""
    try:
        back = await _claimed(session, action, address)
    except ClaimedError as claimed:
        session.tally.skipped(action, str(claimed), claimed.hint)
    except ReconcilerError as error:
        session.tally.failed(action, error)
    else:
        told = await session.moved(action.tenant, back.address.project_id, back.address.organization)
        session.tally.applied(action, told, request_id=back.request_id)


async def _claimed(session: Session, action: Action, address: Address) -> Performed:
    until = deadline()
    lost = False
    await claim(session, action.tenant, address.name, recovered=address.project_id)

    async def bounded(sending: Coroutine[Any, Any, Performed]) -> Performed:
        nonlocal lost
        try:
            return await in_time(session, sending, until=until)
        except UnknownOutcomeError:
            lost = True
            raise

    try:
        return await session.act(action, address, within=bounded)
    except ReconcilerError as error:
        if not lost:  # a first call whose answer was lost may still be carried out, whatever became of the repeat
            await release(session, action.tenant, error)
        raise
