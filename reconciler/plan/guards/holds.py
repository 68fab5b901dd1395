"""A hold: until it ends, nothing of the tenant is changed, whatever asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.ends import hold_text
from reconciler.plan.guards.context import Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from reconciler.desired.tenant import Hold
    from reconciler.plan.guards.context import TenantContext


def on_hold(context: TenantContext) -> Verdict | None:
    """Refuse everything of a tenant with a hold: in its file, at a base that is ahead of that, or at the base if
    no file declares the tenant any more. That hold stays on its project, whoever pins the project now.
    """
    hold = _hold(context)
    if hold is None:
        return None
    return Verdict(Rule.HELD, hold_text(hold), "remove hold from the tenant's file, or wait until it ends")


def _hold(context: TenantContext) -> Hold | None:
    name, declared = context.planned.tenant, context.desired.tenants
    own = None if name not in declared else context.history.held_ahead(declared[name], context.now)
    now = filter(None, (context.desired.held(one) for one in (name, *context.owners) if one in declared))
    files = context.history.files or context.desired  # a document ends no hold
    undeclared = (one for one in context.owners if one not in files.tenants)
    earlier = (known for one in undeclared for known in context.history.each_known(one))
    gone = (known.hold for known in earlier if known.hold is not None)
    return next(now, own) or next((hold for hold in gone if hold.in_force(context.now)), None)
