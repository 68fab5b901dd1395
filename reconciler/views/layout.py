"""Lines of words that wrap under themselves, so that nothing falls back to the left edge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from rich.cells import cell_len

from reconciler.views.words import NOTHING, Words, unbroken, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text  # noqa: TID251 - as a type

    from reconciler.views.phrase import Phrase

_MIN_BODY_WIDTH: Final = 24
_STEP: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """``lead`` and beside it ``body``, which wraps in its own column, or below a lead that leaves no room."""

    lead: Words
    body: Words = NOTHING
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the lines for the width at hand."""
        start = self.indent + self.lead.width
        if start + self.body.width <= options.max_width:
            yield _trimmed(self.indent, self.lead.text, self.body.text)
        elif options.max_width - start >= _MIN_BODY_WIDTH:
            yield from _beside(self.indent, self.lead, self.body.text.wrap(console, options.max_width - start))
        else:
            yield from _wrapped(console, self.lead, self.indent, options.max_width)
            yield from _wrapped(console, self.body, self.indent + _STEP, options.max_width)


@dataclass(frozen=True, slots=True)
class Series:
    """``lead`` and beside it items with commas between them; lines break between items only."""

    lead: Words
    items: tuple[str | Phrase, ...]
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the lines for the width at hand."""
        items = [words(item).plain for item in self.items]
        room = options.max_width - self.indent - self.lead.width
        if any(cell_len(item) >= room for item in items):
            yield Line(self.lead, words(", ".join(items)), self.indent)
        else:
            yield from _beside(self.indent, self.lead, (words(line).text for line in _packed(items, room)))


@dataclass(frozen=True, slots=True)
class Whole:
    """A line that is never broken, for other programs to find their way in."""

    line: Words

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the line."""
        yield unbroken(self.line.text)


@dataclass(frozen=True, slots=True)
class Rule:
    """A heading across the page."""

    title: Words

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the title and the rule behind it."""
        from rich.rule import Rule as Across  # noqa: PLC0415 - for the demonstration alone

        yield Across(self.title.text, align="left", style="dim", characters="─")


Piece: TypeAlias = Line | Series | Whole | Rule
"""What a view is made of."""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole view; its pieces are made while they are printed."""

    pieces: Callable[[], Iterable[Piece]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the pieces one by one."""
        yield from self.pieces()


def said(sentence: str | Phrase, style: str = "") -> Line:
    """A sentence over the whole width."""
    return Line(NOTHING, words(sentence, style))


def blank() -> Line:
    """An empty line."""
    return Line(NOTHING)


def indented(pieces: Iterable[Line | Series], by: int) -> Iterator[Line | Series]:
    """The same pieces, further in."""
    return (replace(piece, indent=piece.indent + by) for piece in pieces)


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


def _beside(indent: int, lead: Words, lines: Iterable[Text]) -> Iterator[Text]:
    first, *rest = lines
    yield _trimmed(indent, lead.text, first)
    yield from (_trimmed(indent + lead.width, line) for line in rest)


def _wrapped(console: Console, body: Words, indent: int, width: int) -> Iterator[Text]:
    if body.parts:
        lines = body.text.wrap(console, max(width - indent, _MIN_BODY_WIDTH))
        yield from (_trimmed(indent, line) for line in lines)


def _trimmed(indent: int, *parts: Text) -> Text:
    """A line that ends where its last word ends."""
    line = unbroken(*parts, indent=indent)
    line.rstrip()
    return line
