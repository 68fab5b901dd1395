"""The source of each value of a tenant, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.explained import LiveStatus, StatedIn
from reconciler.plan.live_values import PRESENT
from reconciler.views import symbols
from reconciler.views.formatted_text import formatted
from reconciler.views.sentences import counted
from reconciler.views.terminal import (
    EMPTY,
    Line,
    Piece,
    Styled,
    UnbrokenLine,
    blank_line,
    column,
    page,
    paragraph,
    styled,
    width_of,
)
from reconciler.views.values import label, worded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.problem import Location
    from reconciler.model.values import Value
    from reconciler.plan.explained import Explained, ExplainedValue

_WIDEST: Final = 56
_WORDS: Final = {LiveStatus.MISSING: "missing", LiveStatus.NOT_READ: "not read", LiveStatus.NOT_LIVE: ""}


@page
def render(found: Explained, *, live: bool) -> Iterator[Piece]:
    """The values in the order of a plan, each with its place; ``live`` shows the live ones beside them."""
    where = "no organization" if found.organization is None else f"organization {found.organization}"
    about = formatted("tier {}, {}  ({})", found.tier, where, str(found.location))
    yield Line(styled(f"{found.tenant}  ", symbols.HEADING), styled(about))
    if live:
        yield Line(
            EMPTY, styled(f"project {found.project_id}" if found.project_id else "no live project"), indent=2
        )
    yield blank_line()
    rows = [_cells(found, value, live=live) for value in found.values]
    widths = [width_of((row[place].plain for row in rows), at_most=_WIDEST) for place in range(len(rows[0]))]
    for value, (*leads, last) in zip(found.values, rows, strict=True):
        cells = (column(cell, width) for cell, width in zip(leads, widths, strict=False))
        yield UnbrokenLine(sum(cells, styled("  ")) + last)
        for other in value.instead_of:
            message = f"instead of {_text(value.path, other.value)} of {_layer(found, other.stated_in)}"
            yield UnbrokenLine(styled(f"{' ' * (widths[0] + 4)}{message}{_at(other.location)}", symbols.ASIDE))
    yield blank_line()
    yield paragraph(_summary(found, live=live), symbols.HEADING)


def _cells(found: Explained, value: ExplainedValue, *, live: bool) -> tuple[Styled, ...]:
    key, shown = styled(label(value.path)), styled(_text(value.path, value.value), symbols.HEADING)
    origin = styled(f"{_layer(found, value.stated_in)}{_at(value.location)}", symbols.ASIDE)
    return (key, shown, _live(value), origin) if live and found.project_id else (key, shown, origin)


def _text(path: str, value: Value) -> str:
    return "declared" if value in PRESENT and path != "state" else worded(path, value)


def _live(value: ExplainedValue) -> Styled:
    if value.seen is LiveStatus.SAME:
        return styled("same", symbols.ASIDE)
    if value.seen is LiveStatus.DIFFERENT:
        return styled(f"live {_text(value.path, value.live)}", symbols.CHANGED)
    return styled(_WORDS[value.seen], symbols.ASIDE)


def _layer(found: Explained, layer: StatedIn) -> str:
    if layer is StatedIn.TIER:
        return f"tier {found.tier}"
    return "defaults, at creation" if layer is StatedIn.DEFAULTS else layer.value


def _at(location: Location | None) -> str:
    return "" if location is None else f", {location}"


def _summary(found: Explained, *, live: bool) -> str:
    summary = counted(len(found.values), "value")
    if not live or found.project_id is None:
        return f"{summary}."
    differing = sum(value.seen in (LiveStatus.DIFFERENT, LiveStatus.MISSING) for value in found.values)
    return f"{summary}, {differing or 'none'} of them different from live."
