"""What a rebuild does to the tenant registry, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.views import remarks, signs
from reconciler.views.blocks import WHOLE, heading
from reconciler.views.layout import Line, Page, blank, said
from reconciler.views.wording import counted
from reconciler.views.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.registration import Registration, RowChange
    from reconciler.views.layout import Piece


def render(rebuilt: Registration, rows: int, api_host: str | None = None) -> Page:
    """Every row that was changed, what is left, and how many rows there are now."""
    return Page(lambda: _pieces(rebuilt, rows, api_host))


def _pieces(rebuilt: Registration, rows: int, api_host: str | None) -> Iterator[Piece]:
    yield from remarks.api_host(api_host)
    yield from _told("Rows changed", rebuilt.changes)
    yield from _told("Rows left alone", rebuilt.waiting)
    yield from remarks.conflicts(rebuilt.conflicts, WHOLE)
    done = counted(len(rebuilt.changes), "row") + " changed" if rebuilt.changes else "Nothing to change"
    yield said(f"{done}; the registry has {counted(rows, 'row')}.", signs.HEADING)


def _told(title: str, changes: Sequence[RowChange]) -> Iterator[Piece]:
    if not changes:
        return
    yield from heading(title, len(changes))
    for change in changes:
        yield Line(words(f"{change.tenant}  ", signs.HEADING), words(change.message), indent=2)
    yield blank()
