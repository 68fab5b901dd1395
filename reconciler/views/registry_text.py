"""What a rebuild does to the tenant registry, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.views import remarks, signs
from reconciler.views.blocks import WHOLE, heading
from reconciler.views.layout import Line, Page, blank
from reconciler.views.printable import printable
from reconciler.views.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from reconciler.plan.registration import Registration, RowChange
    from reconciler.views.layout import Piece


def render(rebuilt: Registration, rows: int, api_host: str | None = None) -> RenderableType:
    """Every row that was changed, what is left, and how many rows there are now."""
    return Page(lambda: _pieces(rebuilt, rows, api_host))


def _pieces(rebuilt: Registration, rows: int, api_host: str | None) -> Iterator[Piece]:
    yield from remarks.api_host(api_host)
    yield from _told("Rows changed", rebuilt.changes)
    yield from _told("Rows left alone", rebuilt.waiting)
    yield from remarks.conflicts(rebuilt.conflicts, WHOLE)
    done = counted(len(rebuilt.changes), "row") + " changed" if rebuilt.changes else "Nothing to change"
    yield Line(Text(), Text(f"{done}; the registry has {counted(rows, 'row')}.", signs.HEADING))


def _told(title: str, changes: Sequence[RowChange]) -> Iterator[Piece]:
    if not changes:
        return
    yield from heading(title, len(changes))
    for change in changes:
        yield Line(Text(f"{printable(change.tenant)}  ", signs.HEADING), Text(printable(change.message)), indent=2)
    yield blank()
