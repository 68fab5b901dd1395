"""What is wrong with the files, and errors, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from reconciler.desired.problem import Severity
from reconciler.errors import ApiError
from reconciler.views import signs
from reconciler.views.layout import Line, Page, Piece, blank, whole
from reconciler.views.printable import printable
from reconciler.views.wording import problems_summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from reconciler.desired.problem import Problem
    from reconciler.desired.state import DesiredState
    from reconciler.errors import ReconcilerError


MOST: Final = 200
"""Problems that are listed; a file of another format has as many as lines."""


def render(problems: Iterable[Problem], desired: DesiredState | None = None) -> RenderableType:
    """Every problem as ``file:line:col: message``, in the order of the files, and how many there are.

    Where there are none, ``desired`` tells what has been checked.
    """
    ordered = sorted(problems, key=lambda problem: (problem.location, problem.message))
    return Page(lambda: _pieces(ordered, desired))


def _pieces(problems: Sequence[Problem], desired: DesiredState | None) -> Iterator[Piece | Text]:
    for problem in problems[:MOST]:
        yield from _problem(problem)
    if len(problems) > MOST:
        yield Line(Text(), Text(f"... and {len(problems) - MOST:,} more; --format json lists all", signs.ASIDE))
    if problems:
        yield blank()
    yield Line(Text(), Text(problems_summary(problems, desired), signs.HEADING))


def _problem(problem: Problem) -> Iterator[Text]:
    place = problem.location
    severity = ("warning: " if problem.severity is Severity.WARNING else "", signs.CHANGED)
    where = (f"{printable(place.file)}:{place.line}:{place.column}: ", signs.HEADING)
    yield whole(where, severity, printable(problem.message))
    if problem.hint is not None:
        yield whole(("  hint: ", signs.ASIDE), printable(problem.hint))


def render_error(error: ReconcilerError) -> RenderableType:
    """``error: ...`` and, where they are known, ``hint: ...`` and the id that Neon's support asks for."""
    return Page(lambda: _error(error))


def _error(error: ReconcilerError) -> Iterator[Piece]:
    yield Line(Text("error: ", signs.REFUSED.style), Text(printable(str(error))))
    if error.hint is not None:
        yield Line(Text("hint: ", signs.HEADING), Text(printable(error.hint)))
    if isinstance(error, ApiError) and error.request_id is not None:
        yield Line(Text("request id: ", signs.ASIDE), Text(printable(error.request_id)))
