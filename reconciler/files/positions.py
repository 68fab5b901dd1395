"""The location of every key and value of a YAML text: a second pass, only for documents with problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import yaml
from yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
)

from reconciler.desired.naming import composed
from reconciler.files.events import events, place

if TYPE_CHECKING:
    from yaml.events import Event

    from reconciler.files.finding import Path

Position: TypeAlias = tuple[int, int]
"""Line and column, 1-based."""


@dataclass(slots=True)
class Positions:
    """The locations of one document's nodes."""

    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)

    def holds(self, path: Path) -> bool:
        """Return whether the document contains the path."""
        return path in self.values

    def place(self, path: Path, *, at_key: bool = False) -> Position:
        """Return its location; for a missing path, that of its nearest parent."""
        if not at_key and path in self.values:
            return self.values[path]
        for length in range(len(path), -1, -1):
            around = path[:length]
            nearest = self.keys.get(around) or self.values.get(around)
            if nearest is not None:
                return nearest
        return (1, 1)


def read_positions(data: bytes) -> tuple[Positions, ...]:
    """Return the locations in every document, up to the first syntax error; a duplicate key keeps its first
    location.
    """
    reader = _Reader()
    try:
        for event in events(data):
            reader.take(event)
    except yaml.YAMLError:
        pass  # reported by the first pass
    return tuple(reader.documents)


@dataclass(slots=True)
class _Frame:
    path: Path
    mapping: bool
    key: str | None = None
    count: int = 0


@dataclass(slots=True)
class _Reader:
    documents: list[Positions] = field(default_factory=list)
    _open: list[_Frame] = field(default_factory=list)

    def take(self, event: Event) -> None:
        if isinstance(event, DocumentStartEvent):
            self.documents.append(Positions())
        elif isinstance(event, NodeEvent):
            self._node(event)
        elif isinstance(event, CollectionEndEvent):
            self._open.pop()

    def _node(self, event: NodeEvent) -> None:
        here = place(event)
        frame = self._open[-1] if self._open else None
        path: Path = ()
        if frame is not None and frame.mapping and frame.key is None:
            frame.key = composed(getattr(event, "value", ""))
            path = (*frame.path, frame.key)
            self.documents[-1].keys.setdefault(path, here)
        else:
            path = self._value_path(frame)
            self.documents[-1].values.setdefault(path, here)
        if isinstance(event, CollectionStartEvent):
            self._open.append(_Frame(path, isinstance(event, MappingStartEvent)))

    def _value_path(self, frame: _Frame | None) -> Path:
        if frame is None:
            return ()
        if frame.mapping:
            path: Path = (*frame.path, frame.key or "")
            frame.key = None
            return path
        frame.count += 1
        return (*frame.path, frame.count - 1)
