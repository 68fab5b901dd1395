"""The outputs as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.documents import writer
from reconciler.views.view import (
    AdoptionView,
    AuditView,
    CollectedView,
    CostView,
    DiffView,
    DoctorView,
    DriftView,
    ExplainedView,
    HistoryView,
    PlanView,
    ProblemsView,
    RegistryView,
    ReportView,
    RowChangesView,
    UsageView,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.views.view import View


def render(view: View, *, full: bool = False) -> Iterator[str]:  # noqa: ARG001, C901, PLR0911, PLR0912 - JSON shortens no list; one case for each view
    """The JSON document of a view, piece by piece."""
    match view:
        case PlanView():
            if view.made is None:
                raise ValueError("a plan as JSON says when it was made")
            return writer.plan(view.plan, view.made, view.past_cost)
        case DriftView():
            return writer.drift(view.plan)
        case DiffView():
            return writer.diff(view.plan, view.made)
        case ReportView():
            return writer.report(view.report, view.stale)
        case ProblemsView():
            return writer.problems(view.problems)
        case HistoryView():
            return writer.history(view.points)
        case ExplainedView():
            return writer.explained(view.explained)
        case UsageView():
            return writer.usage(view.usage)
        case AuditView():
            return writer.audit(view.audit)
        case DoctorView():
            return writer.doctor(view.diagnosis)
        case CostView():
            return writer.cost(view.cost)
        case AdoptionView() | CollectedView():
            return _of_files(view)
        case RegistryView():
            return writer.registry(view.registered)
        case RowChangesView():
            return writer.row_changes(view.found)
        case _:
            assert_never(view)


def _of_files(view: AdoptionView | CollectedView) -> Iterator[str]:
    from reconciler.views import adoption_json  # noqa: PLC0415 - for two commands only

    return adoption_json.adoption(view) if isinstance(view, AdoptionView) else adoption_json.collected(view)
