"""The changes that tenants share, as plain values for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.change import Risk
from reconciler.views.html.blocks import MOST_BLOCKS
from reconciler.views.html.charts import BAD, PLAIN, WARN
from reconciler.views.overview import overviews
from reconciler.views.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.plan import Plan
    from reconciler.views.overview import Change
    from reconciler.views.perspective import Perspective

_TONES: Final = {Risk.DESTRUCTIVE: BAD, Risk.DISRUPTIVE: WARN, Risk.SAFE: PLAIN}


class SharedRow(Struct, frozen=True):
    """One change."""

    words: str
    tone: str
    marks: str
    held_back: str
    count: str
    names: str
    authors: Sequence[str]


class SharedTable(Struct, frozen=True):
    """The changes with one cause."""

    title: str
    anchor: str
    count: int
    """Of tenants."""
    rows: Sequence[SharedRow]
    more: int
    """Changes that are not shown."""


def tables(plan: Plan, perspective: Perspective, *, full: bool) -> Iterator[SharedTable]:
    """Yield a table for each cause; none where the list of tenants says all of it."""
    for one in overviews(plan, perspective):
        shown = one.shown(None if full else MOST_BLOCKS)
        rows = [_row(change, full=full) for change in shown]
        anchor = f"cause-{one.cause.value}"
        yield SharedTable(one.title, anchor, one.tenants, rows, len(one.changes) - len(shown))


def _row(change: Change, *, full: bool) -> SharedRow:
    return SharedRow(
        words=str(change.words),
        tone=_TONES[change.of.risk],
        marks=change.marks,
        held_back=change.held_back,
        count=counted(len(change.of.tenants), "tenant"),
        names=str(change.tenants(full=full)),
        authors=[str(author) for author in change.authors],
    )
