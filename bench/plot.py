"""A plot with logarithmic axes as SVG: lines that are straight where cost grows like a power of the size."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 230, 40, 50
COLOURS: Final = (
    "#1f77b4",
    "#d62728",
    "#2ca02c",
    "#9467bd",
    "#e08214",
    "#17a2a2",
    "#8c564b",
    "#666666",
    "#c2409a",
)
LINE_HEIGHT: Final = 16
HEAD: Final = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
"""

X_TITLE: Final = "tenants"

Points: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """Decades of values, spread over pixels."""

    low: int
    high: int
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        part = (log10(value) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self) -> Iterator[int]:
        """Each power of ten."""
        return (10**power for power in range(self.low, self.high + 1))


def _axis(values: Iterable[float], start: float, end: float) -> Axis:
    logs = [log10(value) for value in values] or [0.0]
    low = max(floor(min(logs)), 0)
    return Axis(low, max(ceil(max(logs)), low + 1), start, end)


def plot(title: str, lines: Mapping[str, Points]) -> str:
    """Return the SVG of named lines, each of points (tenants, cost). All values are about 1 or larger."""
    shown = {name: points for name, points in lines.items() if points}
    across = _axis((x for points in shown.values() for x, _ in points), LEFT, WIDTH - RIGHT)
    up = _axis((y for points in shown.values() for _, y in points), HEIGHT - BOTTOM, TOP)
    parts = (_text(LEFT, 22, title), *_grid(across, up), *_lines(shown, across, up))
    return f"{HEAD}{''.join(parts)}</svg>\n"


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for tick in across.ticks():
        yield _rule(across.at(tick), up.start, across.at(tick), up.end)
        yield _text(across.at(tick), up.start + 18, f"{tick:,}", anchor="middle")
    for tick in up.ticks():
        yield _rule(across.start, up.at(tick), across.end, up.at(tick))
        yield _text(across.start - 8, up.at(tick) + 4, f"{tick:,}", anchor="end")
    yield _text((across.start + across.end) / 2, HEIGHT - 10, X_TITLE, anchor="middle")


def _lines(shown: Mapping[str, Points], across: Axis, up: Axis) -> Iterator[str]:
    beside = _beside({name: up.at(points[-1][1]) for name, points in shown.items()})
    for colour, (name, points) in zip(COLOURS, shown.items(), strict=False):
        at = [(across.at(x), up.at(y)) for x, y in points]
        path = " ".join(f"{x},{y}" for x, y in at)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
        yield from (f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>\n' for x, y in at)
        yield _text(across.end + 14, beside[name] + 4, name, colour=colour)


def _beside(heights: Mapping[str, float]) -> dict[str, float]:
    """Heights of the names, moved down where two would overlap."""
    found: dict[str, float] = {}
    free = float(TOP)
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        found[name] = max(height, free)
        free = found[name] + LINE_HEIGHT
    return found


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#dddddd"/>\n'


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#333333") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>\n'
