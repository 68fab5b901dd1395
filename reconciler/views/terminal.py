"""Styled text and lines for terminals and text files: the only way by which text gets there."""

from __future__ import annotations

import re
from functools import partial, wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeAlias

from msgspec import Struct
from rich.cells import cell_len, chop_cells

from reconciler.model.values import replace
from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text  # noqa: TID251 - what is printed is made here and nowhere else

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
        """For rich: a line that is neither wrapped nor cut."""
        from rich.text import Text  # noqa: PLC0415, TID251 - for terminals alone; see above

        return Text.assemble(*self.parts, no_wrap=True, overflow="ignore")

    def trimmed(self) -> Styled:
        """It without the spaces after its last word."""
        kept = self.parts
        while kept:
            text, style = kept[-1]
            if stripped := text.rstrip():
                return Styled((*kept[:-1], (stripped, style)))
            kept = kept[:-1]
        return EMPTY

    def divided(self, places: Iterable[int]) -> Iterator[Styled]:
        """Its pieces between places, which are counted in letters from the start."""
        line: list[tuple[str, str]] = []
        cuts, done = iter(places), 0
        cut = next(cuts, None)
        for text, style in self.parts:
            start = 0
            while cut is not None and cut - done < len(text):
                if cut - done > start:
                    line.append((text[start : cut - done], style))
                yield Styled(tuple(line))
                line, start, cut = [], cut - done, next(cuts, None)
            line.append((text[start:], style))
            done += len(text)
        yield Styled(tuple(line))


EMPTY: Final = Styled()


def styled(text: str | FormattedText, style: str = "") -> Styled:
    """Any text, of ours or from outside, with what could steer a terminal or a CI runner written out."""
    safe = printable(str(text))
    return Styled(((safe, style),)) if safe else EMPTY


def column(text: str | Styled, width: int, style: str = "", *, gap: int = 2) -> Styled:
    """The text padded to a column, with a gap to the next one."""
    lead = styled(text, style) if isinstance(text, str) else text
    return lead + styled(" " * (max(0, width - lead.width) + gap))


def width_of(texts: Iterable[str], *, at_most: int | None = None) -> int:
    """The width of a column for the texts, except those that are wider than ``at_most``."""
    widths = (styled(text).width for text in texts)
    return max((width for width in widths if at_most is None or width <= at_most), default=0)


_WORD: Final = re.compile(r"\s*\S+\s*")
_MIN_BODY_WIDTH: Final = 24
_STEP: Final = 4


class _Laid(Struct, frozen=True):
    """What has lines for each width: the same for terminals and for text files."""

    def lines(self, width: int) -> Iterator[Styled]:
        """The lines for a width."""
        raise NotImplementedError

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the lines for the width at hand."""
        return (line.text for line in self.lines(options.max_width))


class Line(_Laid, frozen=True):
    """``lead`` and beside it ``body``, which wraps in its own column, or below a lead that leaves no room."""

    lead: Styled
    body: Styled = EMPTY
    indent: int = 0

    def lines(self, width: int) -> Iterator[Styled]:
        """The lines for a width."""
        start = self.indent + self.lead.width
        if start + self.body.width <= width:
            yield (_spaces(self.indent) + self.lead + self.body).trimmed()
        elif width - start >= _MIN_BODY_WIDTH:
            yield from _beside(self.indent, self.lead, _wrapped(self.body, width - start))
        else:
            yield from _below(self.lead, self.indent, width)
            yield from _below(self.body, self.indent + _STEP, width)


class CommaList(_Laid, frozen=True):
    """``lead`` and beside it items with commas between them; lines break between items only."""

    lead: Styled
    items: tuple[str | FormattedText, ...]
    indent: int = 0

    def lines(self, width: int) -> Iterator[Styled]:
        """The lines for a width."""
        items = [styled(item).plain for item in self.items]
        room = width - self.indent - self.lead.width
        if any(cell_len(item) >= room for item in items):
            yield from Line(self.lead, styled(", ".join(items)), self.indent).lines(width)
        else:
            yield from _beside(self.indent, self.lead, map(styled, _packed(items, room)))


class UnbrokenLine(_Laid, frozen=True):
    """A line that is never broken, for other programs to find their way in."""

    line: Styled

    def lines(self, width: int) -> Iterator[Styled]:  # noqa: ARG002 - as of every piece
        """The line."""
        yield self.line


class PageHeading(_Laid, frozen=True):
    """A heading across the page."""

    title: Styled

    def lines(self, width: int) -> Iterator[Styled]:
        """The title and the rule behind it."""
        lead = self.title + _spaces(1)
        yield lead + styled("─" * (width - lead.width), "dim")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the same, of letters that the terminal has."""
        from rich.rule import Rule as Across  # noqa: PLC0415 - for the demonstration alone

        yield Across(self.title.text, align="left", style="dim", characters="─")


Piece: TypeAlias = Line | CommaList | UnbrokenLine | PageHeading
"""What a view is made of."""


class Page(_Laid, frozen=True):
    """A whole view; its pieces are made while they are printed."""

    pieces: Callable[[], Iterable[Piece]]

    def lines(self, width: int) -> Iterator[Styled]:
        """Those of the pieces, one by one."""
        for piece in self.pieces():
            yield from piece.lines(width)

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


def _spaces(count: int) -> Styled:
    return Styled(((" " * count, ""),)) if count else EMPTY


def _wrapped(body: Styled, width: int) -> Iterator[Styled]:
    """Lines of whole words, where they fit."""
    return body.divided(_breaks(body.plain, width))


def _breaks(text: str, width: int) -> Iterator[int]:
    """Where lines begin after the first one; a word that fits in no line is cut."""
    used = 0
    for word in _WORD.finditer(text):
        columns = cell_len(word[0].rstrip())
        if used + columns <= width:
            used += cell_len(word[0])
            continue
        pieces = chop_cells(word[0], width) if columns > width else [word[0]]
        start = word.start()
        for piece in pieces:
            if start:
                yield start
            start += len(piece)
        used = cell_len(pieces[-1])


def _beside(indent: int, lead: Styled, lines: Iterable[Styled]) -> Iterator[Styled]:
    first, *rest = lines
    yield (_spaces(indent) + lead + first).trimmed()
    yield from ((_spaces(indent + lead.width) + line).trimmed() for line in rest)


def _below(body: Styled, indent: int, width: int) -> Iterator[Styled]:
    if body.parts:
        lines = _wrapped(body, max(width - indent, _MIN_BODY_WIDTH))
        yield from ((_spaces(indent) + line).trimmed() for line in lines)
