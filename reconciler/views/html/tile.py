"""A number at the top of a page."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.views.html.charts import PLAIN


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, what it counts, and the section that lists it, where there is one."""

    value: str
    label: str
    tone: str = PLAIN
    anchor: str = ""
