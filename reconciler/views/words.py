"""Words for a terminal: the only way by which text gets there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text  # noqa: TID251 - what is printed is made here and nowhere else

from reconciler.views.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.views.phrase import Phrase


@dataclass(frozen=True, slots=True)
class Words:
    """Text in one line with styles, safe to print; made by :func:`words`."""

    parts: tuple[tuple[str, str], ...] = ()
    """Each printable text with its style."""

    def __add__(self, other: Words) -> Words:
        return Words(self.parts + other.parts)

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(text for text, _ in self.parts)

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return cell_len(self.plain)

    @property
    def text(self) -> Text:
        """For rich."""
        return Text.assemble(*self.parts)


NOTHING: Final = Words()


def words(text: str | Phrase, style: str = "") -> Words:
    """Any text, of ours or from outside, with what could steer a terminal or a CI runner written out."""
    safe = printable(str(text))
    return Words(((safe, style),)) if safe else NOTHING


def unbroken(*parts: Text, indent: int = 0) -> Text:
    """A line that is neither wrapped nor cut."""
    return Text.assemble(" " * indent, *parts, no_wrap=True, overflow="ignore")


def column(text: str | Words, width: int, style: str = "", *, gap: int = 2) -> Words:
    """The text padded to a column, with a gap to the next one."""
    lead = words(text, style) if isinstance(text, str) else text
    return lead + words(" " * (max(0, width - lead.width) + gap))


def width_of(texts: Iterable[str], *, at_most: int | None = None) -> int:
    """The width of a column that holds the texts, but for those that are wider than ``at_most``."""
    widths = (words(text).width for text in texts)
    return max((width for width in widths if at_most is None or width <= at_most), default=0)
