"""Figures that a run of the tests puts together, prints at its end, and writes into docs/reliability.md.

    figures.count("faults at a call", held=converged)

Counts of several workers are added up (tests/conftest.py). ``FIGURES=write pytest`` writes the document.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT: Final = Path(__file__).parents[1] / "docs/reliability.md"
BEGIN: Final = "<!-- figures: written by FIGURES=write make test -->\n"
END: Final = "<!-- end of figures -->\n"
_ROW: Final = re.compile(r"^\| (.+?) \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)


@dataclass(slots=True)
class Figure:
    """How many cases of something were tried, and how many held."""

    tried: int = 0
    held: int = 0

    def line(self, what: str) -> str:
        """As the summary of a run shows it."""
        return f"{what}: {self.tried:,} cases tried, {self.held:,} held"


SESSION: Final[dict[str, Figure]] = {}
"""What this test process has counted, by what was tried."""


def count(what: str, *, held: bool = True, times: int = 1) -> None:
    """Note that so many cases were tried, and whether they held."""
    add(SESSION, what, times, times if held else 0)


@contextmanager
def counted(what: str) -> Iterator[None]:
    """Count the block as one case, which does not hold where it raises."""
    try:
        yield
    except Exception:
        count(what, held=False)
        raise
    count(what)


def add(figures: dict[str, Figure], what: str, tried: int, held: int) -> None:
    """Add to a figure."""
    figure = figures.setdefault(what, Figure())
    figure.tried += tried
    figure.held += held


def write(figures: dict[str, Figure]) -> None:
    """Put the figures into the document, between its two marks; what this run did not try keeps its figure."""
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = {what: f"| {what} | {tried} | {held} |" for what, tried, held in _ROW.findall(text.partition(BEGIN)[2])}
    rows |= {what: f"| {what} | {f.tried:,} | {f.held:,} |" for what, f in figures.items()}
    lines = "\n".join(rows[what] for what in sorted(rows))
    table = f"{BEGIN}\n| what | tried | held |\n|---|---|---|\n{lines}\n\n{END}"
    fresh = re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: table, text, flags=re.DOTALL)
    DOCUMENT.write_text(fresh, encoding="utf-8")
