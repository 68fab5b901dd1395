"""What ``reconciler doctor`` found, as text: a line for each check, and what to do below it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from reconciler.model.diagnosis import Status
from reconciler.views import symbols
from reconciler.views.sentences import counted
from reconciler.views.terminal import EMPTY, Line, Piece, blank_line, column, page, paragraph, styled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.diagnosis import Check, Diagnosis

STYLES: Final = {Status.OK: symbols.ADDED, Status.WARN: symbols.CHANGED, Status.FAIL: symbols.REFUSED.style}
WIDTH: Final = max(len(verdict.value) for verdict in Status)


@page
def render(found: Diagnosis) -> Iterator[Piece]:
    """Every check under the heading of its area, and how many failed."""
    for area, checks in groupby(found.checks, key=lambda check: check.area):
        yield paragraph(area.value.capitalize(), symbols.HEADING)
        for check in checks:
            yield from _check(check)
    yield blank_line()
    yield paragraph(_summary(found), symbols.HEADING)


def _check(check: Check) -> Iterator[Piece]:
    yield Line(column(check.verdict.value, WIDTH, STYLES[check.verdict]), styled(check.message), indent=2)
    if check.remedy is not None:
        yield Line(EMPTY, styled(check.remedy, symbols.ASIDE), indent=WIDTH + 4)


def _summary(found: Diagnosis) -> str:
    failures, warnings = found.count(Status.FAIL), found.count(Status.WARN)
    if not failures and not warnings:
        return "Everything is in order."
    counts = [counted(failures, "failure"), counted(warnings, "warning")]
    return f"{' and '.join(counts)}." if failures else f"Nothing fails; {counts[1]}."
