"""What a fleet costs in a month: lists, then the consumption history, 100 projects a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.desired.prices import EXAMPLE, NOTHING
from reconciler.errors import InvalidInputError
from reconciler.fleet.listing import list_projects
from reconciler.live.project import Needs
from reconciler.model.problem import has_error
from reconciler.model.values import replace
from reconciler.neon.metering import read_histories
from reconciler.plan.plan import Note
from reconciler.usage.cost import Cost
from reconciler.usage.costing import Costing, notes, scope, tiers
from reconciler.usage.gaps import unread_tenants, without_project
from reconciler.usage.months import billing_month, name_of, span_of
from reconciler.usage.reads import Reads, UsageRequirements, call_groups, least_calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from reconciler.desired.prices import Prices
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.live.consumption import Metering, Span
    from reconciler.live.state import LiveState
    from reconciler.neon.lists import Progress
    from reconciler.usage.period import Period


class CostRequirements(UsageRequirements, frozen=True):
    """What an observation for the cost has to know: whose each project is."""

    def details(self, desired: DesiredState, live: LiveState) -> Needs:  # noqa: ARG002 - the protocol's
        """Lists show all of it."""
        return Needs()


async def read_cost(
    context: Context, request: Request, month: date | None, organizations: Sequence[str], on_progress: Progress
) -> Cost:
    """Reads what the selected tenants consumed in a month, and what it costs, with a count of the calls.

    Raises InvalidInputError without prices, and for a month or organization that there is not.
    """
    prices, now = require_prices(context.desired, context.time()), context.time()
    for name in organizations:
        if name not in context.desired.organizations:
            known = ", ".join(context.desired.organizations)
            raise InvalidInputError(f"organization {name!r} does not exist", hint=f"known: {known}")
    period = billing_month(month, now)
    run = replace(context, neon=context.neon.of_run(lambda: False))
    return await _Reading(run, request, prices, period, tuple(organizations), on_progress).cost()


def require_prices(desired: DesiredState, now: datetime) -> Prices:
    """The prices. Raises InvalidInputError if there are none, or if they are of a day to come."""
    if desired.prices is None:
        raise InvalidInputError("tiers.yaml has no prices", hint=EXAMPLE)
    problems = list(desired.prices.problems(now.date()))
    if has_error(problems):
        raise InvalidInputError(f"{problems[0].location}: {problems[0].message}", hint=problems[0].hint)
    return desired.prices


class _Reading(Struct, frozen=True):
    """One reading of the cost."""

    context: Context
    request: Request
    prices: Prices
    period: Period
    named: tuple[str, ...]
    on_progress: Progress

    async def cost(self) -> Cost:
        requirements = CostRequirements(self.request.selection)
        live, searched = await list_projects(self.context, self.request, requirements, self.on_progress)
        found = scope(self.context.desired, self.prices, live, self.request.selection, self.named)
        now = self.context.time()
        span = span_of(self.period, now)
        groups = {name: tuple(one.id for one in found.projects[name]) for name in found.read} if span else {}
        metering = await self._metering(groups, span)
        least = least_calls(live, searched, Reads(groups), 1, Needs())
        costing = Costing(self.prices, found, metering.histories, metering.refused)
        return self._cost(live, costing, now, span, least)

    async def _metering(self, groups: dict[str, tuple[str, ...]], span: Span | None) -> Metering:
        """Neon: what is included of branches counts for each project."""
        free = {name: self.prices.of(name).free_child_branches for name in groups}
        return await read_histories(
            self.context.neon,
            {name: call_groups(ids) for name, ids in groups.items()},
            [span] if span else [],
            lambda done, total: self.on_progress(done, total, "projects metered"),
            free,
        )

    def _cost(self, live: LiveState, costing: Costing, now: datetime, span: Span | None, least: int) -> Cost:
        desired, selection = self.context.desired, self.request.selection
        tenants = costing.tenants()
        organizations = costing.organizations(tenants)
        return Cost(
            fleet=desired.fleet,
            at=now,
            month=name_of(self.period),
            period_start=self.period.start,
            until=self.period.start if span is None else span.end,
            prices_as_of=self.prices.as_of,
            currency=self.prices.currency,
            cost=sum((one.cost for one in organizations), NOTHING),
            organizations=organizations,
            tiers=tiers(desired, tenants),
            tenants=tenants,
            without_project=without_project(desired, live, selection),
            unread=tuple(sorted({*costing.unread(), *unread_tenants(desired, live, selection)})),
            notes=(*notes(costing, organizations, span), *self._old_prices(now), *self.context.clock_notes()),
            left_out=sum(not selection.includes(tenant) for tenant in desired.tenants.values()),
            calls=self.context.neon.calls,
            least_calls=least,
            api_host=self.context.api_host,
        )

    def _old_prices(self, now: datetime) -> Iterator[Note]:
        for problem in self.prices.problems(now.date()):
            yield Note(None, f"{problem.message}: {problem.hint}", problem.location)
