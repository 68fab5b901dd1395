"""Which page shows which view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.views.view import ReportView, UsageView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.views.view import DiffView, DriftView, PlanView


def render(view: PlanView | DriftView | DiffView | ReportView | UsageView, *, full: bool = False) -> Iterator[str]:
    """The view as a page, piece by piece. ``full`` shortens no table."""
    if isinstance(view, UsageView):
        from reconciler.views.html.usage_page import render as usage  # noqa: PLC0415 - a run has one view

        return usage(view, full=full)
    if isinstance(view, ReportView):
        from reconciler.views.html.report_page import render as report  # noqa: PLC0415

        return report(view, full=full)
    from reconciler.views.html.plan_page import render as plan  # noqa: PLC0415

    return plan(view, full=full)
