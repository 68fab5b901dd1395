"""Plans, drift, changes of the files, reports and usage as Markdown, for comments and the summaries of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from reconciler.plan.summary import by_kind, differing
from reconciler.views import markdown_findings, markdown_tables
from reconciler.views.coverage_sentences import budget, coverage
from reconciler.views.forecast_text import forecast_sentences
from reconciler.views.grouping import group_by_actions
from reconciler.views.markdown_size import EVERYTHING, SIZES
from reconciler.views.markup import code, document, paragraph, row, strong, text
from reconciler.views.overview import authors_by_tenant, overviews
from reconciler.views.perspective import DRIFT, PLAN
from reconciler.views.plan_cost import cost_sentences
from reconciler.views.sentences import (
    DIFF_SAYS_NOTHING_OF,
    OTHER_HOST,
    diff_origin,
    diff_summary,
    drift_summary,
    observed,
    plan_summary,
    saved_plan_origin,
)
from reconciler.views.view import DiffView, DriftView, PlanView, ReportView, UsageView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.views.markdown_size import Parts, Size
    from reconciler.views.markup import Block, Markdown

MAX_CHARACTERS: Final = 60_000
"""Forges refuse comments of more than 65,536 characters, and the summary of a job above 1 MiB (GitHub)."""


def render(view: PlanView | DriftView | DiffView | ReportView | UsageView, *, full: bool = False) -> str:
    """The view as Markdown, its summary on top; its length is limited unless ``full``."""
    parts = _parts_of(view)
    head = paragraph(parts.head)
    if full:
        return document((head, *parts.blocks(EVERYTHING), *parts.closing))
    for size in SIZES:
        comment = document((head, *parts.blocks(size), *parts.closing))
        if len(comment) <= MAX_CHARACTERS:
            return comment
    return document((head, *parts.closing))


def _parts_of(view: PlanView | DriftView | DiffView | ReportView | UsageView) -> Parts:
    """The parts of the document; a run imports what its own view needs."""
    if isinstance(view, ReportView):
        from reconciler.views.markdown_report import ReportParts  # noqa: PLC0415

        return ReportParts(view)
    if isinstance(view, UsageView):
        from reconciler.views.markdown_usage import UsageParts  # noqa: PLC0415

        return UsageParts(view.usage)
    return _PlanParts(view)


def _head(view: PlanView | DriftView | DiffView) -> Iterator[Markdown]:
    plan = view.plan
    if plan.api_host is not None and not isinstance(view, DiffView):
        yield strong(row(text(OTHER_HOST), code(plan.api_host)))
    match view:
        case PlanView():
            yield from _plan_head(view)
        case DriftView():
            yield strong(text(drift_summary(plan, len(differing(plan)))))
        case DiffView():
            yield strong(text(diff_summary(plan)))
            yield text(diff_origin(view.made))
            yield text(DIFF_SAYS_NOTHING_OF)
        case _:
            assert_never(view)


def _plan_head(view: PlanView) -> Iterator[Markdown]:
    plan = view.plan
    if plan.observed_at is not None:
        yield text(observed(plan.observed_at))
    yield strong(text(plan_summary(plan, len(view.stale))))
    yield from map(text, forecast_sentences(plan))
    if not plan.empty:
        yield text(budget(plan.budget))
    yield from map(text, cost_sentences(plan, view.past_cost))
    if view.saved and view.made is not None:
        yield text(saved_plan_origin(plan.fleet, view.made))


class _PlanParts:
    """The parts of a plan; what takes time is made once, whatever the size."""

    def __init__(self, view: PlanView | DriftView | DiffView) -> None:
        plan, drift = view.plan, isinstance(view, DriftView)
        self.head = list(_head(view))
        self._perspective = DRIFT if drift else PLAN
        self._overviews = overviews(plan, self._perspective)
        self._authors = {} if self._overviews or drift else authors_by_tenant(plan)
        kinds = by_kind(differing(plan) if drift else plan.tenants).items()
        self._kinds = {kind: group_by_actions(members) for kind, members in kinds if members}
        self._findings = markdown_findings.findings(view)
        silent = isinstance(view, DiffView) or plan.command is not None
        self.closing = [] if silent else [paragraph(map(text, coverage(plan.coverage)))]
        """What was compared."""

    def blocks(self, size: Size) -> Iterator[Block]:
        """The changes that tenants share, then tenant by tenant, then what else was found."""
        yield from markdown_tables.overview(self._overviews, size)
        for kind, alike in self._kinds.items():
            title = self._perspective.headings[kind]
            opened = not self._overviews
            yield markdown_tables.tenants(title, alike, self._perspective, self._authors, size, opened=opened)
        yield from markdown_findings.blocks(self._findings, size)
