"""Charts as numbers: the places and sizes of what a template draws as SVG."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 360
HEIGHT: Final = 120
"""Of the area for columns, in units of the drawing."""
GAP: Final = 4
WIDEST: Final = 48
"""Of a column, so that few of them do not fill the area."""
MOST_LABELS: Final = 12
"""Below the columns, so that they do not touch."""
PLAIN, WARN, BAD = "plain", "warn", "bad"
QUIET: Final = "quiet"
"""What needs no attention: the rest of a bar."""


class Count(Struct, frozen=True):
    """What one column counts."""

    label: str
    count: int
    axis: str
    """Its label below the column."""
    tone: str = PLAIN
    """PLAIN, WARN (above a threshold) or BAD (at a limit): the name of its style."""


class Column(Struct, frozen=True):
    """A column of a chart, in units of the drawing."""

    of: Count
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return round(self.x + self.width / 2, 1)


class Chart(Struct, frozen=True):
    """Columns over labels. Heights are logarithmic: one tenant beside thousands is still seen."""

    title: str
    columns: tuple[Column, ...]
    aside: str = ""
    """What the columns do not count, in words."""
    unit: str = "share used"
    """What the labels are."""
    of: str = "tenants"
    """What is counted."""

    @property
    def counts(self) -> list[Count]:
        """What the columns count, for a table beside the drawing."""
        return [column.of for column in self.columns]

    @property
    def every(self) -> int:
        """Of so many labels one is written."""
        return max(1, -(-len(self.columns) // MOST_LABELS))


def chart(
    title: str, counts: Sequence[Count], *, aside: str = "", unit: str = "share used", of: str = "tenants"
) -> Chart:
    """A chart with a column for each count."""
    step = min(WIDEST, WIDTH / max(1, len(counts)))
    most = log10(1 + max((one.count for one in counts), default=0)) or 1
    columns = []
    for number, one in enumerate(counts):
        height = 0 if one.count == 0 else max(3, HEIGHT * log10(1 + one.count) / most)
        x, y = round(number * step + GAP / 2, 1), round(HEIGHT - height, 1)
        columns.append(Column(one, x, y, round(step - GAP, 1), round(height, 1)))
    return Chart(title, tuple(columns), aside, unit, of)


class Part(Struct, frozen=True):
    """A part of a bar of 100 units."""

    start: float
    width: float
    tone: str


def parts(counts: Sequence[tuple[int, str]], total: int) -> tuple[Part, ...]:
    """A bar in which each count has its share, a count above zero at least one unit."""
    found, start = [], 0.0
    for count, tone in counts:
        width = 0.0 if not total or not count else max(1.0, 100 * count / total)
        found.append(Part(round(start, 2), round(min(width, 100 - start), 2), tone))
        start = min(100.0, start + width)
    return tuple(part for part in found if part.width > 0)
