"""What is wrong with the files, and errors, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import ApiError
from reconciler.model.problem import Severity
from reconciler.views import signs
from reconciler.views.layout import Line, Page, Piece, Whole, blank, said
from reconciler.views.wording import problems_summary
from reconciler.views.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.errors import ReconcilerError
    from reconciler.model.problem import Problem


MOST: Final = 200
"""Problems that are listed; a file of another format has as many as lines."""


def render(problems: Iterable[Problem], desired: DesiredState | None = None) -> Page:
    """Every problem as ``file:line:col: message``, in the order of the files, and how many there are.

    Where there are none, ``desired`` tells what has been checked.
    """
    ordered = sorted(problems, key=lambda problem: (problem.location, problem.message))
    return Page(lambda: _pieces(ordered, desired))


def _pieces(problems: Sequence[Problem], desired: DesiredState | None) -> Iterator[Piece]:
    for problem in problems[:MOST]:
        yield from _problem(problem)
    if len(problems) > MOST:
        yield said(f"... and {len(problems) - MOST:,} more; --format json lists all", signs.ASIDE)
    if problems:
        yield blank()
    yield said(problems_summary(problems, desired), signs.HEADING)


def _problem(problem: Problem) -> Iterator[Whole]:
    place = problem.location
    severity = words("warning: " if problem.severity is Severity.WARNING else "", signs.CHANGED)
    where = words(f"{place.file}:{place.line}:{place.column}: ", signs.HEADING)
    yield Whole(where + severity + words(problem.message))
    if problem.hint is not None:
        yield Whole(words("  hint: ", signs.ASIDE) + words(problem.hint))


def render_error(error: ReconcilerError) -> Page:
    """``error: ...`` and, where they are known, ``hint: ...`` and the id that Neon's support asks for."""
    return Page(lambda: _error(error))


def _error(error: ReconcilerError) -> Iterator[Piece]:
    yield Line(words("error: ", signs.REFUSED.style), words(str(error)))
    if error.hint is not None:
        yield Line(words("hint: ", signs.HEADING), words(error.hint))
    if isinstance(error, ApiError) and error.request_id is not None:
        yield Line(words("request id: ", signs.ASIDE), words(error.request_id))
