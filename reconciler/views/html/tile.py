"""A number at the top of a page."""

from __future__ import annotations

from msgspec import Struct

from reconciler.views.html.charts import PLAIN


class Tile(Struct, frozen=True):
    """A number, what it counts, and the section that lists it, where there is one."""

    value: str
    label: str
    tone: str = PLAIN
    anchor: str = ""
