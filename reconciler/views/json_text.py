"""The outputs as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.views import json_documents
from reconciler.views.view import DriftView, PlanView, ProblemsView, ReportView

if TYPE_CHECKING:
    from reconciler.views.view import View


def render(view: View, *, full: bool = False) -> str:  # noqa: ARG001 - JSON shortens no list
    """The JSON document of a view."""
    match view:
        case PlanView():
            if view.made is None:
                raise ValueError("a plan as JSON says when it was made")
            return json_documents.plan(view.plan, view.made)
        case DriftView():
            return json_documents.drift(view.plan)
        case ReportView():
            return json_documents.report(view.report, view.stale)
        case ProblemsView():
            return json_documents.problems(view.problems)
        case _:
            assert_never(view)
