"""The outputs as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.documents import writer
from reconciler.views.view import DriftView, PlanView, ProblemsView, ReportView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.views.view import View


def render(view: View, *, full: bool = False) -> Iterator[str]:  # noqa: ARG001 - JSON shortens no list
    """The JSON document of a view, piece by piece."""
    match view:
        case PlanView():
            if view.made is None:
                raise ValueError("a plan as JSON says when it was made")
            return writer.plan(view.plan, view.made)
        case DriftView():
            return writer.drift(view.plan)
        case ReportView():
            return writer.report(view.report, view.stale)
        case ProblemsView():
            return writer.problems(view.problems)
        case _:
            assert_never(view)
