"""The one form of a YAML text: keys in the order of the schema, values in their usual units; comments stay.

A comment above a key, and one behind its value, move with the key. Comments at the top of a document stay there,
except those directly above the first key after an empty line. Nothing else changes but blank space at the ends of
lines: style, quotes and line breaks are the author's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.files.nodes import LINE, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.files.canonical import Shape
    from reconciler.files.nodes import Node, NodeEntry

_TRAILING: Final = re.compile(r"[ \t]+(?=\r?\n|\Z)")


def formatted(text: str, shape: Shape) -> str:
    """Return a text of documents of this shape in its one form.

    Raises InvalidInputError for text that is not YAML.
    """
    roots = sorted(documents(text).values(), key=lambda node: node.start)
    pieces, done = [], 0
    for node, following in zip(roots, [*roots[1:], None], strict=True):
        limit = len(text) if following is None else following.start
        begin = _after_header(text, done, node.start) if node.mapping and not node.flow else None
        piece = _Form(text).of(node, shape, limit, begin, gap=1)
        pieces += [text[done : node.start if begin is None else begin], piece.text]
        done = piece.end
    result = "".join((*pieces, text[done:]))
    return _without_trailing_space(result)


class _Piece(NamedTuple):
    """The form of a part of the text, and where that part ends."""

    text: str
    end: int
    start: int | None = None
    """Where it begins, if that is before the value: with comments above the first key of a mapping."""


class _Chunk(NamedTuple):
    """A key with its value, what is behind it on the line, and the lines of comments above it."""

    entry: NodeEntry
    lead: str
    """From the end of the line before to the key; starts with a line break, or is empty."""
    text: str


class _Form:
    """Writes the nodes of one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def of(self, node: Node, shape: Shape, limit: int, begin: int | None = None, gap: int = 0) -> _Piece:
        """Return the form of a node; ``limit`` is where the next thing begins that is no part of it.

        ``begin`` is the end of the line above the comments of a mapping's first key, if they are its own; ``gap``
        the number of empty lines that then stay above the mapping.
        """
        if node.flow:
            return _Piece(self._flow(node, shape), node.end)
        return self._mapping(node, shape, limit, begin, gap) if node.mapping else self._items(node, shape, limit)

    def _value(self, entry: NodeEntry, shape: Shape, limit: int) -> _Piece:
        """Return the form of a value."""
        start, end = entry.value
        if entry.node is not None:
            return self.of(entry.node, shape, limit, self._below_key(entry))
        written = self._text[start:end]
        return _Piece(shape.scalar(written) if entry.plain else written, end)

    def _flow(self, node: Node, shape: Shape) -> str:
        if not node.entries:
            return self._text[node.start : node.end]
        contents, between, done = [], [], node.start
        for entry in node.entries:
            between.append(self._text[done : entry.start])
            value = self._value(entry, shape.at(entry.name), entry.value[1])
            contents.append(self._text[entry.start : entry.value[0]] + value.text)
            done = entry.value[1]
        order = list(range(len(contents)))
        if node.mapping and not any("#" in separator for separator in between):
            order = _order(node.entries, shape)
        pieces = (separator + contents[index] for separator, index in zip(between, order, strict=True))
        return "".join((*pieces, self._text[done : node.end]))

    def _items(self, node: Node, shape: Shape, limit: int) -> _Piece:
        pieces, done = [], node.start
        for entry, following in _with_next(node.entries, limit):
            value = self._value(entry, shape.at(""), following)
            pieces += [self._text[done : entry.value[0]], value.text]
            done = value.end
        return _Piece("".join(pieces), done)

    def _below_key(self, entry: NodeEntry) -> int | None:
        """Return where the line of a key with a mapping below it ends; None if more than comments is between."""
        if entry.node is None or entry.node.flow or not entry.node.mapping:
            return None
        end = _line_end(self._text, entry.start)
        between = LINE.split(self._text[end : entry.node.start]) if end < entry.node.start else ["-"]
        return end if all(not line.strip() or line.lstrip().startswith("#") for line in between) else None

    def _mapping(self, node: Node, shape: Shape, limit: int, begin: int | None, gap: int) -> _Piece:
        chunks: list[_Chunk] = []
        indent = self._column(node.entries[0].start)
        done = node.entries[0].start if begin is None else begin
        for entry, following in _with_next(node.entries, limit):
            value = self._value(entry, shape.at(entry.name), following)
            head = self._text[entry.start : entry.value[0] if value.start is None else value.start]
            end = self._own_end(value.end, following, indent)
            chunks.append(
                _Chunk(entry, self._text[done : entry.start], head + value.text + self._text[value.end : end])
            )
            done = end
        order = _order(node.entries, shape)
        newline = "\r\n" if "\r\n" in self._text else "\n"
        first = f"{newline}{' ' * indent}"
        opening = "" if begin is None else newline * gap + first
        leading = chunks[0].lead + chunks[0].text if order[0] == 0 else _leading(chunks[order[0]], first, opening)
        others = ((chunks[index].lead or first) + chunks[index].text for index in order[1:])
        return _Piece("".join((leading, *others)), done, begin)

    def _own_end(self, end: int, following: int, indent: int) -> int:
        """Return where the lines of an entry end: with comments below it that are indented more than its key."""
        own = _line_end(self._text, end)
        position = own
        while position < following and (found := LINE.match(self._text, position)) is not None:
            line_end = _line_end(self._text, found.end())
            line = self._text[found.end() : line_end]
            if line.strip() and not (line.lstrip().startswith("#") and len(line) - len(line.lstrip()) > indent):
                break
            position = line_end
            own = position if line.strip() else own
        return own

    def _column(self, position: int) -> int:
        return position - max(self._text.rfind("\n", 0, position), self._text.rfind("\r", 0, position)) - 1


def _leading(chunk: _Chunk, first: str, opening: str) -> str:
    """Return a chunk that becomes the first of its mapping: without the empty lines above it.

    ``first`` begins a line at the mapping's column, ``opening`` the first one.
    """
    comments = (line.strip() for line in LINE.split(chunk.lead) if line.strip())
    return opening + first.join((*comments, chunk.text))


def _after_header(text: str, start: int, key: int) -> int | None:
    """Return where the comments of a document's first key begin: at the end of the line above the empty line.

    None if there is no empty line between them and what is above: then they are the document's.
    """
    breaks = list(LINE.finditer(text, start, key))
    ends = [start, *(found.end() for found in breaks)]
    lines = [text[begin : found.start()].strip() for begin, found in zip(ends, breaks, strict=False)]
    above = len(lines)
    while above and lines[above - 1].startswith("#"):
        above -= 1
    header = above
    while header and not lines[header - 1]:
        header -= 1
    return breaks[header - 1].start() if 0 < header < above < len(lines) else None


def _order(entries: list[NodeEntry], shape: Shape) -> list[int]:
    """Return the indices of the entries in canonical order."""
    if not shape.keys:
        return list(range(len(entries)))
    return sorted(range(len(entries)), key=lambda index: shape.rank(entries[index].name))


def _with_next(entries: list[NodeEntry], limit: int) -> Iterator[tuple[NodeEntry, int]]:
    """Yield each entry with the beginning of the next one."""
    following = [entry.start for entry in entries[1:]]
    yield from zip(entries, [*following, limit], strict=True)


def _line_end(text: str, position: int) -> int:
    found = LINE.search(text, position)
    return len(text) if found is None else found.start()


def _without_trailing_space(text: str) -> str:
    """Return the text without blank space at the ends of lines, and with a line break at its end."""
    kept = [span for root in documents(text).values() for span in _over_lines(root, text)]

    def shortened(found: re.Match[str]) -> str:
        return found[0] if any(start <= found.start() < end for start, end in kept) else ""

    text = _TRAILING.sub(shortened if kept else _nothing, text)
    return text if not text or text.endswith("\n") else f"{text}\n"


def _nothing(_found: re.Match[str]) -> str:
    return ""


def _over_lines(node: Node, text: str) -> Iterator[tuple[int, int]]:
    """Yield where scalars of several lines are: blank space in them is theirs."""
    for entry in node.entries:
        if entry.node is not None:
            yield from _over_lines(entry.node, text)
        elif LINE.search(text, *entry.value):
            yield entry.value[0], _line_end(text, entry.value[1])
