"""Lines of text that wrap under themselves, so that nothing falls back to the left edge."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from rich.cells import cell_len
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

_MIN_BODY_WIDTH: Final = 24
_STEP: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """``lead`` and beside it ``body``, which wraps in its own column, or below a lead that leaves no room."""

    lead: Text
    body: Text = field(default_factory=Text)
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the lines for the width at hand."""
        start = self.indent + self.lead.cell_len
        if start + self.body.cell_len <= options.max_width:
            yield _assemble(self.indent, self.lead, self.body)
        elif options.max_width - start >= _MIN_BODY_WIDTH:
            yield from _beside(self.indent, self.lead, self.body.wrap(console, options.max_width - start))
        else:
            yield from _wrapped(console, self.lead, self.indent, options.max_width)
            yield from _wrapped(console, self.body, self.indent + _STEP, options.max_width)


@dataclass(frozen=True, slots=True)
class Series:
    """``lead`` and beside it items with commas between them; lines break between items only."""

    lead: Text
    items: tuple[str, ...]
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the lines for the width at hand."""
        room = options.max_width - self.indent - self.lead.cell_len
        if any(cell_len(item) >= room for item in self.items):
            yield Line(self.lead, Text(", ".join(self.items)), self.indent)
        else:
            yield from _beside(self.indent, self.lead, map(Text, _packed(self.items, room)))


Piece: TypeAlias = Line | Series
"""What a view is made of."""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole view; its pieces are made while they are printed."""

    pieces: Callable[[], Iterator[Piece | Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the pieces one by one."""
        yield from self.pieces()


def whole(*parts: Text | tuple[str, str] | str) -> Text:
    """A line that is never broken, for other programs to find their way in."""
    return Text.assemble(*parts, no_wrap=True, overflow="ignore")


def blank() -> Line:
    """An empty line."""
    return Line(Text())


def indented(pieces: Iterable[Piece], by: int) -> Iterator[Piece]:
    """The same pieces, further in."""
    return (replace(piece, indent=piece.indent + by) for piece in pieces)


def column(text: str, width: int, style: str = "", *, gap: int = 2) -> Text:
    """The text padded to a column, with a gap to the next one."""
    return Text(text, style).append(" " * (max(0, width - cell_len(text)) + gap))


def width_of(texts: Iterable[str], *, at_most: int | None = None) -> int:
    """The width of a column that holds the texts, but for those that are wider than ``at_most``."""
    return max((width for width in map(cell_len, texts) if at_most is None or width <= at_most), default=0)


def _packed(items: Sequence[str], room: int) -> Iterator[str]:
    line = ""
    for item in items[:-1]:
        if line and cell_len(f"{line} {item},") > room:
            yield line
            line = ""
        line = f"{line} {item},".lstrip()
    if cell_len(f"{line} {items[-1]}") > room:
        yield line
        line = ""
    yield f"{line} {items[-1]}".lstrip()


def _beside(indent: int, lead: Text, lines: Iterable[Text]) -> Iterator[Text]:
    first, *rest = lines
    yield _assemble(indent, lead, first)
    yield from (_assemble(indent + lead.cell_len, line) for line in rest)


def _wrapped(console: Console, text: Text, indent: int, width: int) -> Iterator[Text]:
    if text:
        lines = text.wrap(console, max(width - indent, _MIN_BODY_WIDTH))
        yield from (_assemble(indent, line) for line in lines)


def _assemble(indent: int, *parts: Text) -> Text:
    line = whole(" " * indent, *parts)
    line.rstrip()
    return line
