"""The one table of output formats. A new format is one module with a ``render`` function, and one row here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.views.terminal import Page
    from reconciler.views.view import View

ViewName: TypeAlias = Literal[
    "PlanView",
    "DriftView",
    "DiffView",
    "ReportView",
    "ProblemsView",
    "HistoryView",
    "ExplainedView",
    "UsageView",
    "CostView",
    "AuditView",
    "RegistryView",
    "RowChangesView",
    "DoctorView",
    "AdoptionView",
    "CollectedView",
]
"""The classes of ``views.view``, whose import would make help slow; a test compares them."""

Rendered: TypeAlias = "str | Iterator[str] | Page"
"""An iterator gives the output piece by piece: it is long."""
Render: TypeAlias = "Callable[..., Rendered]"
"""``render(view, full=...)``: ``full`` shortens no list."""


class Format(NamedTuple):
    """One way to write views down."""

    name: str
    """As ``--format`` takes it."""
    suffix: str
    """The ending of a file that ``--output`` names."""
    views: tuple[ViewName, ...]
    """The views that it can show; a command offers the formats of its view."""
    load: Callable[[], Render]
    """Imports its module: a run pays for the formats that it uses."""


def _text() -> Render:
    return text_of


def _json() -> Render:
    from reconciler.views.json_text import render  # noqa: PLC0415 - as for every format

    return render


def _markdown() -> Render:
    from reconciler.views.markdown import render  # noqa: PLC0415 - as for every format

    return render


def _github() -> Render:
    from reconciler.views.github_annotations import render  # noqa: PLC0415 - as for every format

    return render


def _junit() -> Render:
    from reconciler.views.junit import render  # noqa: PLC0415 - as for every format

    return render


def _sarif() -> Render:
    from reconciler.views.sarif import render  # noqa: PLC0415 - as for every format

    return render


def _csv() -> Render:
    from reconciler.views.csv_text import render  # noqa: PLC0415 - as for every format

    return render


def _prometheus() -> Render:
    from reconciler.views.prometheus import render  # noqa: PLC0415 - as for every format

    return render


def _html() -> Render:
    from reconciler.views.html.render import render  # noqa: PLC0415 - as for every format

    return render


TEXT: Final = "text"
JSON: Final = "json"

EVERY: Final = get_args(ViewName)
"""All views."""

FORMATS: Final = (
    Format(TEXT, ".txt", EVERY, _text),
    Format(JSON, ".json", EVERY, _json),
    Format("markdown", ".md", ("PlanView", "DriftView", "DiffView", "ReportView", "UsageView"), _markdown),
    Format("github", ".annotations", ("ProblemsView", "PlanView", "DriftView", "DiffView", "ReportView"), _github),
    Format("junit", ".xml", ("ProblemsView", "PlanView", "DriftView", "ReportView"), _junit),
    Format("sarif", ".sarif", ("ProblemsView",), _sarif),
    Format("csv", ".csv", ("UsageView", "CostView", "AuditView"), _csv),
    Format("html", ".html", ("PlanView", "DriftView", "DiffView", "ReportView", "UsageView"), _html),
    Format("prometheus", ".prom", ("UsageView", "CostView"), _prometheus),
)


def formats_of(view: str) -> tuple[Format, ...]:
    """The formats that can show a kind of view, by the name of its class."""
    return tuple(row for row in FORMATS if view in row.views)


def text_of(view: View, *, full: bool = False) -> Page:
    """The view as text for a terminal or a log."""
    from reconciler.views import plain_text  # noqa: PLC0415 - a run that prints nothing needs no layout

    return plain_text.render(view, full=full)


def render(view: View, name: str, *, full: bool = False) -> Rendered:
    """The view in a format: a renderable for terminals and text files, or the text itself."""
    row = next(row for row in FORMATS if row.name == name)
    return row.load()(view, full=full)
