"""Where each key, value and item of a text begins and ends: what an edit cuts, and what a format moves.

A JSON line is a flow mapping to YAML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from reconciler.errors import InvalidInputError
from reconciler.files.events import events, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yaml.events import Event

    from reconciler.files.positions import Position

Span: TypeAlias = "tuple[int, int]"
"""Where a part of the text begins and ends, in characters."""

BY_HAND: Final = "edit the file by hand"
LINE: Final = re.compile(r"\r\n|\n|\r")


@dataclass(slots=True)
class NodeEntry:
    """One key of a mapping, or one item of a list."""

    name: str
    start: int
    value: Span
    """From the value's first character to its last one."""
    node: Node | None = None
    """The value, if it is a mapping or a list."""
    scalar: str | None = None
    """The text of a scalar without quotes."""
    plain: bool = False
    """Whether the scalar has no quotes and is on one line."""


@dataclass(slots=True)
class Node:
    """A mapping or a list, with its entries."""

    flow: bool
    mapping: bool
    start: int
    entries: list[NodeEntry] = field(default_factory=list)
    end: int = 0
    """After the last character of a flow collection."""

    def entry(self, name: str) -> NodeEntry | None:
        """Return the entry of a key."""
        return next((entry for entry in self.entries if entry.name == name), None)


def documents(text: str) -> Mapping[Position, Node]:
    """Return the mapping or list of each document by its line and column, 1-based.

    Raises InvalidInputError for text that is not YAML, and for an alias.
    """
    reader = _Reader(text)
    try:
        for event in events(text.encode()):
            reader.take(event)
    except yaml.YAMLError as error:
        raise InvalidInputError("the file is not valid YAML", hint=BY_HAND) from error
    return reader.roots


def document(text: str, line: int, column: int) -> Node:
    """Return the mapping of the document that starts there (1-based); raises InvalidInputError if none does."""
    found = documents(text).get((line, column))
    if found is None or not found.mapping:
        raise InvalidInputError(f"line {line} does not begin a tenant's document", hint=BY_HAND)
    return found


@dataclass(slots=True)
class _Frame:
    node: Node
    own: NodeEntry | None
    """The entry of the node around it that this node is the value of."""
    key: tuple[str, int] | None = None


@dataclass(slots=True)
class _Reader:
    """Collects the entries of each document, at every depth."""

    text: str
    roots: dict[Position, Node] = field(default_factory=dict)
    _open: list[_Frame] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = [0, *(match.end() for match in LINE.finditer(self.text))]

    def take(self, event: Event) -> None:
        if isinstance(event, AliasEvent):
            raise InvalidInputError("the file has an alias", hint=BY_HAND)
        if isinstance(event, DocumentStartEvent):
            self._open.clear()
        elif isinstance(event, NodeEvent):
            self._node(event)
        elif isinstance(event, CollectionEndEvent):
            self._close(event)

    def _node(self, event: NodeEvent) -> None:
        start, end = self._at(event.start_mark), self._at(event.end_mark)
        frame = self._open[-1] if self._open else None
        own: NodeEntry | None = None
        if frame is not None and frame.node.mapping and frame.key is None:
            frame.key = (getattr(event, "value", ""), start)
            return
        if frame is not None:
            name, begins = frame.key or ("", start)
            frame.key = None
            own = NodeEntry(name, begins, (start, max(start, self._trimmed(end))))
            frame.node.entries.append(own)
            if isinstance(event, ScalarEvent):
                own.scalar, own.plain = event.value, not event.style and "\n" not in self.text[start:end].strip()
                self._grow(end)
        if isinstance(event, CollectionStartEvent):
            node = Node(bool(event.flow_style), isinstance(event, MappingStartEvent), start)
            if own is None:
                self.roots[place(event)] = node
            else:
                own.node = node
            self._open.append(_Frame(node, own))

    def _close(self, event: CollectionEndEvent) -> None:
        frame = self._open.pop()
        if frame.node.flow:
            frame.node.end = self._at(event.end_mark)
            self._grow(frame.node.end, frame.own)

    def _grow(self, end: int, own: NodeEntry | None = None) -> None:
        """A block collection ends where its last entry does, not where the next key begins."""
        for entry in (own, *(frame.own for frame in self._open)):
            if entry is not None:
                entry.value = (entry.value[0], max(entry.value[1], self._trimmed(end)))

    def _at(self, mark: object) -> int:
        line, column = getattr(mark, "line", 0), getattr(mark, "column", 0)
        return min(self._lines[line] + column if line < len(self._lines) else len(self.text), len(self.text))

    def _trimmed(self, end: int) -> int:
        """The end without blank space: the mark of a block scalar is on the next line."""
        return len(self.text[:end].rstrip())
