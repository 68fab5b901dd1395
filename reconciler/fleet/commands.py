"""Commands on one tenant: planned from a request, guarded, and carried out by a run as every plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import UnexpectedAnswerError
from reconciler.fleet import comparing, planning
from reconciler.model.values import replace
from reconciler.neon.lists import no_progress
from reconciler.plan.commanded import commanded
from reconciler.plan.counted_as_branches import notes_on_places
from reconciler.plan.guards.commands import guard_command

if TYPE_CHECKING:
    from reconciler.apply.run.planned import Planned
    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.live.project import LiveProject
    from reconciler.plan.commanded import Asked
    from reconciler.plan.return_points import ReturnPoints


async def plan_command(context: Context, request: Request, tenant: str, asked: Asked) -> Planned:
    """Observes the tenant with everything below its project, plans the command, and guards it.

    ``request`` selects the tenant; ``asked`` makes the command from the time of the plan. Raises NoOwnProjectError
    unless it is certain which project is the tenant's.
    """
    context, compared, _ = await _observed(context, request, tenant)
    command = asked(tenant, compared.at)
    desired, live, now = context.desired, compared.live, compared.at
    plan = commanded(compared.plan, command, desired, live, now)
    history, judge = context.past(request), planning.policy_judge(context, request, now)
    plan = guard_command(plan, desired, live, request.permissions, history=history, now=now, policies=judge)
    plan = replace(plan, notes=(*plan.notes, *notes_on_places(plan, desired, live, now, "delete one first")))
    inputs = replace(compared.plan_inputs, command=command, permissions=request.permissions, policies=judge)
    return replace(compared, plan=plan, plan_inputs=inputs, unchanged_revisions={}, placements=(), strings_due=())


async def list_return_points(context: Context, request: Request, tenant: str) -> ReturnPoints:
    """The moments that the tenant can return to. Raises NoOwnProjectError as ``plan_command`` does."""
    from reconciler.plan.return_points import return_points  # noqa: PLC0415 - for a history only

    context, compared, project = await _observed(context, request, tenant)
    try:
        return return_points(context.desired.fleet, tenant, project, compared.at)
    except ValueError as error:
        raise UnexpectedAnswerError(str(error), hint="run again later") from error


async def _observed(context: Context, request: Request, tenant: str) -> tuple[Context, Planned, LiveProject]:
    """With the files as they count at the time of the plan."""
    request = replace(request, all_details=True)
    compared = await comparing.compare(context, request, no_progress)
    context = replace(context, desired=compared.plan_inputs.desired)
    return context, compared, planning.own_project(context, compared, context.past(request), tenant)
