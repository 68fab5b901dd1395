"""Observing the projects of the selected tenants without what is below them: for readings that plan nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.fleet.observation import chosen_tenants, registered_rows
from reconciler.neon.observe import look_up, observe
from reconciler.usage.reads import searches

if TYPE_CHECKING:
    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.live.state import LiveState
    from reconciler.neon.lists import Progress
    from reconciler.usage.reads import UsageRequirements


async def list_projects(
    context: Context, request: Request, requirements: UsageRequirements, on_progress: Progress
) -> tuple[LiveState, int]:
    """The lists of every organization; or the projects of a few tenants, and how many reads find them."""
    chosen, few = chosen_tenants(context, request)
    asked = [name for tenant in chosen for name in context.desired.names(tenant)] if few else None
    rows = await registered_rows(context, asked)
    neon, desired = context.neon, context.desired
    if few:
        live = await look_up(neon, desired, chosen, requirements, registered=rows, on_progress=on_progress)
        return live, searches(desired, chosen, live.registered_ids)
    first_run = request.permissions.expect_empty
    live = await observe(
        neon, desired, requirements, expect_empty=first_run, registered=rows, on_progress=on_progress
    )
    return live, 0
