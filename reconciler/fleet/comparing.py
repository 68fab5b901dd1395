"""Observing a fleet, and then comparing it with its files.

The planner is imported once the first answers are there: a command sends its first request sooner.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.fleet.context import clock_off
from reconciler.fleet.observation import observe_fleet
from reconciler.live.observation import Observation
from reconciler.model.values import replace

if TYPE_CHECKING:
    from reconciler.apply.run.planned import Planned
    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.live.state import LiveState
    from reconciler.neon.lists import Progress


async def guarded_plan(context: Context, request: Request, on_progress: Progress) -> Planned:
    """What the guards allow of everything that differs."""
    compared = await compare(context, request, on_progress)
    from reconciler.fleet.planning import permit  # noqa: PLC0415 - not before the first request

    return permit(context, compared, request)


async def compare(context: Context, request: Request, on_progress: Progress) -> Planned:
    """Everything that differs between files and live state, before any guard."""
    observed_at = context.observes_since()
    context, live = await _observed_at_present(context, request, on_progress)
    from reconciler.fleet.planning import compared  # noqa: PLC0415 - not before the first request

    return compared(context, live, request, observed_at)


async def _observed_at_present(
    context: Context, request: Request, on_progress: Progress
) -> tuple[Context, LiveState]:
    """Observe with the files as they count now: again if the first answers show that this machine's clock is off.

    Before them, boosts and holds are judged by that clock.
    """
    present, unknown = context.at_present(), context.neon.clock.now() is None
    live = await observe_fleet(present, request, on_progress)
    nothing_ends = present.desired is context.desired
    if nothing_ends or not unknown or clock_off(context.neon.clock.off_by(context.now())) is None:
        return present, live
    present = context.at_present()
    return present, await observe_fleet(present, request, on_progress)


async def observation(context: Context, request: Request, on_progress: Progress) -> Observation:
    """What a plan for the request reads of the account."""
    context = context.at_present()
    at = context.now() - timedelta(seconds=asyncio.get_running_loop().time() - context.observes_since())
    live = await observe_fleet(context, request, on_progress)
    live = replace(live, list_cursors={})  # no run follows
    return Observation(context.desired.fleet, at, context.neon.organization_ids, context.api_host, live)
