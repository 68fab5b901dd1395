"""Reads what the tenants of a plan used in a past month: the consumption history, 100 projects a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.fleet.cost import require_prices
from reconciler.neon.metering import read_histories
from reconciler.usage.months import billing_month, last_month, name_of, span_of
from reconciler.usage.past_cost import affected, past_cost
from reconciler.usage.reads import call_groups

if TYPE_CHECKING:
    from datetime import date

    from reconciler.apply.run.planned import Planned
    from reconciler.fleet.context import Context
    from reconciler.neon.lists import Progress
    from reconciler.plan.plan_cost import PastCost


async def read_past_cost(
    context: Context, planned: Planned, month: date | None, on_progress: Progress
) -> PastCost:
    """What last month's use, or that of another month, costs before and after the plan.

    Raises InvalidInputError without prices, and for a month that there is not.
    """
    now = context.time()
    prices = require_prices(context.desired, now)
    period = billing_month(month or last_month(now), now)
    found = list(affected(planned.plan.tenants, prices))
    groups: dict[str, list[str]] = {}
    for one in found:
        groups.setdefault(one.project.organization, []).append(one.project.id)
    span = span_of(period, now)
    before = context.neon.calls
    metering = await read_histories(
        context.neon,
        {name: call_groups(ids) for name, ids in groups.items()},
        [] if span is None else [span],
        lambda done, total: on_progress(done, total, "projects metered"),
        {name: prices.of(name).free_child_branches for name in groups},
    )
    calls = context.neon.calls - before
    return past_cost(name_of(period), found, prices, metering, calls)
