"""Projects found by name only: nothing of them is changed before another source confirms the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan import adoption
from reconciler.plan.action import AdoptProject, CreateProject, DeleteDuplicate
from reconciler.plan.guards.context import Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from reconciler.plan.action import Action
    from reconciler.plan.guards.context import TenantContext

MESSAGE: Final = (
    "the project was found by name only: differences are reported and not applied until another source "
    "confirms the owner"
)
BY_PIN: Final = "add its id as project_id to the tenant's file"


def held_until_confirmed(context: TenantContext) -> tuple[tuple[Action, ...], Verdict | None]:
    """Return the actions that wait for a confirmation of the project's owner, and the verdict; else none.

    The deletion of a tombstone is judged by who created the project, that of a second project by its own proof.
    """
    tenant, project = context.desired.tenants.get(context.planned.tenant), context.planned.project
    if tenant is None or project is None or tenant.absent:
        return (), None
    waiting = tuple(
        action
        for action in context.planned.actions
        if not isinstance(action, AdoptProject | CreateProject | DeleteDuplicate)
    )
    if not waiting or adoption.confirmed(context.desired, context.live, context.history, tenant, project):
        return (), None
    marks = len(waiting) < len(context.planned.actions) or context.desired.registry is not None
    remedy = f"{BY_PIN}; or apply this plan, which marks the project, and run again" if marks else BY_PIN
    return waiting, Verdict(Rule.UNCONFIRMED, MESSAGE, remedy)
