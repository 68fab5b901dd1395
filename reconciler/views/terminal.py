"""Styled text and lines for a terminal: the only way by which text gets there."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeAlias

from msgspec import Struct
from rich.cells import cell_len
from rich.text import Text  # noqa: TID251 - what is printed is made here and nowhere else

from reconciler.model.values import replace
from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from reconciler.views.formatted_text import FormattedText

P = ParamSpec("P")


class Styled(Struct, frozen=True):
    """Text in one line with styles, safe to print; made by :func:`styled`."""

    parts: tuple[tuple[str, str], ...] = ()
    """Each printable text with its style."""

    def __add__(self, other: Styled) -> Styled:
        return Styled(self.parts + other.parts)

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


EMPTY: Final = Styled()


def styled(text: str | FormattedText, style: str = "") -> Styled:
    """Any text, of ours or from outside, with what could steer a terminal or a CI runner written out."""
    safe = printable(str(text))
    return Styled(((safe, style),)) if safe else EMPTY


def unbroken(*parts: Text, indent: int = 0) -> Text:
    """A line that is neither wrapped nor cut."""
    return Text.assemble(" " * indent, *parts, no_wrap=True, overflow="ignore")


def column(text: str | Styled, width: int, style: str = "", *, gap: int = 2) -> Styled:
    """The text padded to a column, with a gap to the next one."""
    lead = styled(text, style) if isinstance(text, str) else text
    return lead + styled(" " * (max(0, width - lead.width) + gap))


def width_of(texts: Iterable[str], *, at_most: int | None = None) -> int:
    """The width of a column for the texts, except those that are wider than ``at_most``."""
    widths = (styled(text).width for text in texts)
    return max((width for width in widths if at_most is None or width <= at_most), default=0)


_MIN_BODY_WIDTH: Final = 24
_STEP: Final = 4


class Line(Struct, frozen=True):
    """``lead`` and beside it ``body``, which wraps in its own column, or below a lead that leaves no room."""

    lead: Styled
    body: Styled = EMPTY
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


class CommaList(Struct, frozen=True):
    """``lead`` and beside it items with commas between them; lines break between items only."""

    lead: Styled
    items: tuple[str | FormattedText, ...]
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the lines for the width at hand."""
        items = [styled(item).plain for item in self.items]
        room = options.max_width - self.indent - self.lead.width
        if any(cell_len(item) >= room for item in items):
            yield Line(self.lead, styled(", ".join(items)), self.indent)
        else:
            yield from _beside(self.indent, self.lead, (styled(line).text for line in _packed(items, room)))


class UnbrokenLine(Struct, frozen=True):
    """A line that is never broken, for other programs to find their way in."""

    line: Styled

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the line."""
        yield unbroken(self.line.text)


class PageHeading(Struct, frozen=True):
    """A heading across the page."""

    title: Styled

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the title and the rule behind it."""
        from rich.rule import Rule as Across  # noqa: PLC0415 - for the demonstration alone

        yield Across(self.title.text, align="left", style="dim", characters="─")


Piece: TypeAlias = Line | CommaList | UnbrokenLine | PageHeading
"""What a view is made of."""


class Page(Struct, frozen=True):
    """A whole view; its pieces are made while they are printed."""

    pieces: Callable[[], Iterable[Piece]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the pieces one by one."""
        yield from self.pieces()


def page(pieces: Callable[P, Iterable[Piece]]) -> Callable[P, Page]:
    """Turns a function that yields pieces into one that returns them as a whole view."""

    @wraps(pieces)
    def whole(*args: P.args, **named: P.kwargs) -> Page:
        return Page(partial(pieces, *args, **named))

    return whole


def paragraph(sentence: str | FormattedText, style: str = "") -> Line:
    """A sentence over the whole width."""
    return Line(EMPTY, styled(sentence, style))


def blank_line() -> Line:
    """An empty line."""
    return Line(EMPTY)


def indented(pieces: Iterable[Line | CommaList], by: int) -> Iterator[Line | CommaList]:
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


def _beside(indent: int, lead: Styled, lines: Iterable[Text]) -> Iterator[Text]:
    first, *rest = lines
    yield _trimmed(indent, lead.text, first)
    yield from (_trimmed(indent + lead.width, line) for line in rest)


def _wrapped(console: Console, body: Styled, indent: int, width: int) -> Iterator[Text]:
    if body.parts:
        lines = body.text.wrap(console, max(width - indent, _MIN_BODY_WIDTH))
        yield from (_trimmed(indent, line) for line in lines)


def _trimmed(indent: int, *parts: Text) -> Text:
    """A line that ends where its last word ends."""
    line = unbroken(*parts, indent=indent)
    line.rstrip()
    return line
