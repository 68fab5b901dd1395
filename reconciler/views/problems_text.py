"""What is wrong with the files, and errors, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import ApiError
from reconciler.model.problem import Severity
from reconciler.views import symbols
from reconciler.views.sentences import problems_summary
from reconciler.views.terminal import Line, Piece, UnbrokenLine, blank_line, page, paragraph, styled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.errors import ReconcilerError
    from reconciler.model.problem import Problem


MOST: Final = 200
"""Problems that are listed; a file of another format has as many as lines."""


@page
def render(problems: Iterable[Problem], desired: DesiredState | None = None) -> Iterator[Piece]:
    """Every problem as ``file:line:col: message``, in the order of the files, and how many there are.

    Where there are none, ``desired`` shows what has been checked.
    """
    ordered = sorted(problems, key=lambda problem: (problem.location, problem.message))
    for problem in ordered[:MOST]:
        yield from _problem(problem)
    if len(ordered) > MOST:
        yield paragraph(f"... and {len(ordered) - MOST:,} more; --format json lists all", symbols.ASIDE)
    if ordered:
        yield blank_line()
    yield paragraph(problems_summary(ordered, desired), symbols.HEADING)


def _problem(problem: Problem) -> Iterator[UnbrokenLine]:
    place = problem.location
    severity = styled("warning: " if problem.severity is Severity.WARNING else "", symbols.CHANGED)
    where = styled(f"{place.file}:{place.line}:{place.column}: ", symbols.HEADING)
    yield UnbrokenLine(where + severity + styled(problem.message))
    if problem.hint is not None:
        yield UnbrokenLine(styled("  hint: ", symbols.ASIDE) + styled(problem.hint))


@page
def render_error(error: ReconcilerError) -> Iterator[Piece]:
    """``error: ...`` and, where they are known, ``hint: ...`` and the id that Neon's support asks for."""
    yield Line(styled("error: ", symbols.REFUSED.style), styled(str(error)))
    if error.hint is not None:
        yield Line(styled("hint: ", symbols.HEADING), styled(error.hint))
    if isinstance(error, ApiError) and error.request_id is not None and error.request_id not in str(error):
        yield Line(styled("request id: ", symbols.ASIDE), styled(error.request_id))
