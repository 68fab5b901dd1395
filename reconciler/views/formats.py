"""The one table of output formats. A new format is one module with a ``render`` function, and one row here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import ConsoleRenderable

    from reconciler.desired.state import DesiredState
    from reconciler.model.problem import Problem
    from reconciler.plan.approval import Made, Stale
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan


class PlanView(NamedTuple):
    """What apply would do."""

    plan: Plan
    made: Made | None = None
    """When and from which commit: JSON needs it."""
    stale: Sequence[Stale] = ()
    """The tenants that a saved plan holds back."""
    saved: bool = False
    """Whether it was read from a file: then the view says where it comes from."""


class DriftView(NamedTuple):
    """Where the live fleet differs from the files."""

    plan: Plan


class ReportView(NamedTuple):
    """What an apply did."""

    report: Report
    journal: str
    """The file with a record of every write."""
    stale: Sequence[Stale] = ()


class ProblemsView(NamedTuple):
    """What is wrong with the files."""

    problems: Sequence[Problem]
    desired: DesiredState | None = None
    """What was checked, where it could be read."""


View: TypeAlias = PlanView | DriftView | ReportView | ProblemsView
Rendered: TypeAlias = "str | ConsoleRenderable"
Render: TypeAlias = "Callable[..., Rendered]"
"""``render(view, full=...)``: ``full`` shortens no list."""


class Format(NamedTuple):
    """One way to write views down."""

    name: str
    """As ``--format`` takes it."""
    suffix: str
    """The ending of a file that ``--output`` names."""
    views: tuple[type[Any], ...]
    """The views that it can show; a command offers the formats of its view."""
    load: Callable[[], Render]
    """Imports its module: a run pays for the formats that it uses."""


def _text() -> Render:
    from reconciler.views.plain_text import render  # noqa: PLC0415 - rich is no small import

    return render


def _json() -> Render:
    from reconciler.views.json_text import render  # noqa: PLC0415 - as for every format

    return render


def _markdown() -> Render:
    from reconciler.views.markdown import render  # noqa: PLC0415 - as for every format

    return render


TEXT: Final = "text"
JSON: Final = "json"

FORMATS: Final = (
    Format(TEXT, ".txt", (PlanView, DriftView, ReportView, ProblemsView), _text),
    Format(JSON, ".json", (PlanView, DriftView, ReportView, ProblemsView), _json),
    Format("markdown", ".md", (PlanView, DriftView), _markdown),
)


def formats_of(view: type[View]) -> tuple[Format, ...]:
    """The formats that can show a kind of view."""
    return tuple(row for row in FORMATS if view in row.views)


def render(view: View, name: str, *, full: bool = False) -> Rendered:
    """The view in a format: a renderable for terminals and text files, or the text itself."""
    row = next(row for row in FORMATS if row.name == name)
    return row.load()(view, full=full)
