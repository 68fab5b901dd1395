"""Adopting projects that other programs made: observed by list, and planned with the files that adopt them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.apply.run.planned import Planned
from reconciler.fleet import planning
from reconciler.fleet.context import Files
from reconciler.fleet.observation import registered_rows
from reconciler.fleet.request import Request
from reconciler.model.values import replace
from reconciler.neon.observe import observe, read_more
from reconciler.plan.needs import PlanRequirements

if TYPE_CHECKING:
    from reconciler.adopt.needs import AdoptRequirements, ContentsRequirements
    from reconciler.desired.selection import Depth
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.context import Context
    from reconciler.live.state import LiveState
    from reconciler.neon.lists import Progress
    from reconciler.plan.plan import Plan


class PlannedAdoption(Struct, frozen=True):
    """The plan with the files that adopt, and the live state that it was made from."""

    plan: Plan
    live: LiveState


async def observe_projects(context: Context, requirements: AdoptRequirements, on_progress: Progress) -> LiveState:
    """The projects of every organization, with what an adoption needs below them. Writes nothing."""
    rows = await registered_rows(context, None)
    return await observe(
        context.neon,
        context.desired,
        requirements,
        expect_empty=True,
        registered=rows,
        on_progress=on_progress,
    )


async def read_contents(
    context: Context, live: LiveState, requirements: ContentsRequirements, on_progress: Progress
) -> LiveState:
    """The same state with what is below some of its projects."""
    return await read_more(context.neon, context.desired, live, requirements, on_progress=on_progress)


async def plan_adopted(
    context: Context, adopting: DesiredState, live: LiveState, depth: Depth, on_progress: Progress
) -> PlannedAdoption:
    """The plan for the files with the adopted tenants. Lists nothing again: reads only what the plan lacks."""
    observed_at = asyncio.get_running_loop().time()
    now = context.time()
    files = Files(desired=adopting.at(now), moment=now)
    request = Request(depth=depth)
    needs = PlanRequirements(depth=depth)
    complete = await read_more(context.neon, files.desired, live, needs, on_progress=on_progress)
    inputs, plan = planning.differences(files, complete, request, now)
    complete_plan = replace(plan, organizations=context.neon.organization_ids, api_host=context.api_host)
    planned = planning.permit(files, Planned(complete_plan, complete, now, observed_at, inputs), request)
    return PlannedAdoption(planned.plan, complete)
