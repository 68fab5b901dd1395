"""The usage of a fleet: lists, then only what the lists lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.desired.selection import Depth
from reconciler.fleet.listing import list_projects
from reconciler.live.project import Needs
from reconciler.model.values import replace
from reconciler.neon.metering import read_histories
from reconciler.neon.project_reader import ProjectReader
from reconciler.usage.evaluate import Evaluation
from reconciler.usage.gaps import notes, unread_tenants, without_project
from reconciler.usage.period import period_of, spans
from reconciler.usage.reads import (
    Reads,
    UsageRequirements,
    after_lists,
    call_groups,
    least_calls,
    matched,
)
from reconciler.usage.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.live.consumption import Metering, Span
    from reconciler.live.state import LiveState
    from reconciler.neon.lists import Progress


async def read_usage(context: Context, request: Request, above: int | None, on_progress: Progress) -> Usage:
    """Reads and evaluates the usage of the selected tenants, with a count of the calls."""
    run = replace(context, neon=context.neon.of_run(lambda: False))
    reader = ProjectReader(run.neon, tuple(context.desired.organizations))
    return await _Reading(run, request, above, on_progress, reader).usage()


class _Observed(Struct, frozen=True):
    """Everything that was read."""

    live: LiveState
    evaluation: Evaluation
    least_calls: int
    refused: tuple[str, ...] = ()
    """Organizations without a consumption history."""


class _Reading(Struct, frozen=True):
    """One reading of the usage."""

    context: Context
    request: Request
    above: int | None
    on_progress: Progress
    reader: ProjectReader

    async def usage(self) -> Usage:
        return self._usage(await self._observe())

    async def _observe(self) -> _Observed:
        """Reads the lists, what they lack, and again everything on which a threshold or a forecast depends."""
        requirements = UsageRequirements(self.request.selection)
        live, searches = await list_projects(self.context, self.request, requirements, self.on_progress)
        now = self.context.time()
        period = period_of(now)
        between = spans(period, now)
        reads = self._reads(live, Evaluation(self.context.desired, now, period), between)
        metering = await self._metering(reads, between)
        live = await self._read(live, Needs(projects=reads.projects))
        metered = {id_ for name, ids in reads.histories.items() if name not in metering.refused for id_ in ids}
        evaluation = Evaluation(
            self.context.desired, now, period, self.above, frozenset(metered), metering.histories
        )
        doubtful = evaluation.unconfirmed(live, self.request.selection)
        live = await self._read(live, doubtful)
        least = least_calls(live, searches, reads, len(between), doubtful)
        return _Observed(live, evaluation, least, metering.refused)

    def _reads(self, live: LiveState, evaluation: Evaluation, between: Sequence[Span]) -> Reads:
        if self.request.depth is Depth.LIST:
            return Reads()
        deep = self.request.depth is Depth.DEEP
        found = matched(self.context.desired, live, self.request.selection)
        projects = [project for tenant, project in found if deep or not tenant.suspended]
        return after_lists(projects, evaluation.period, len(between), deep=deep)

    async def _metering(self, reads: Reads, between: Sequence[Span]) -> Metering:
        groups = {name: call_groups(ids) for name, ids in reads.histories.items()}
        return await read_histories(self.context.neon, groups, between, self._tell("projects metered"))

    async def _read(self, live: LiveState, needs: Needs) -> LiveState:
        return await self.reader.with_details(live, lambda _: needs, self._tell("projects read"))

    def _tell(self, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self.on_progress(done, total, what)

    def _usage(self, observed: _Observed) -> Usage:
        desired, live, evaluation = self.context.desired, observed.live, observed.evaluation
        selection = self.request.selection
        tenants = evaluation.tenants(live, selection)
        shown = [one for one in tenants if self.above is None or one.threshold is not None]
        return Usage(
            fleet=desired.fleet,
            at=evaluation.now,
            period_start=evaluation.period.start,
            period_end=evaluation.period.end,
            tenants=tuple(shown),
            organizations=evaluation.organizations(live),
            without_project=without_project(desired, live, selection),
            unread=unread_tenants(desired, live, selection),
            notes=(*notes(tenants, observed.refused, self.request.depth), *self.context.clock_notes()),
            looked_at=len(tenants),
            left_out=sum(not selection.includes(tenant) for tenant in desired.tenants.values()),
            calls=self.context.neon.calls,
            least_calls=observed.least_calls,
            idle_seconds=desired.policy.idle_seconds,
            above=self.above,
            api_host=self.context.api_host,
        )
