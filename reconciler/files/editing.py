"""Changes a tenant's document in place: only the lines of the changed keys are others, all else stays as it was.

The text is cut at the positions that the YAML parser gives, and never written anew from its values. A JSON line is
a flow mapping to YAML. The result is parsed again, and refused unless exactly the changed keys differ.
"""

from __future__ import annotations

import json
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
    SequenceStartEvent,
)

from reconciler.errors import InvalidInputError
from reconciler.files.events import events, parse, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from yaml.events import Event

    from reconciler.model.values import Json

Span: TypeAlias = "tuple[int, int]"
"""Where a part of the text begins and ends, in characters."""

BY_HAND: Final = "edit the file by hand"
_PLAIN: Final = re.compile(r"[A-Za-z0-9][\w./:+-]*", re.ASCII)
"""Text that needs no quotes in any place of a document."""
_LINE: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of the top-level keys of a tenant's document."""

    values: Mapping[str, Json | None]
    """By key: its new value; None removes the key."""
    added: Mapping[str, Json] = field(default_factory=dict)
    """By key: an entry that is appended to its list."""


@dataclass(slots=True)
class _Entry:
    """One key of a mapping, or one item of a list."""

    name: str
    start: int
    value: Span
    """From the value's first character to its last one."""
    items: _Node | None = None


@dataclass(slots=True)
class _Node:
    """A mapping or a list, with its entries."""

    flow: bool
    mapping: bool
    entries: list[_Entry] = field(default_factory=list)


def changed(text: str, line: int, column: int, changes: Changes, *, as_json: bool = False) -> str:
    """Return the text with the changes to the document that starts at this place (1-based).

    ``as_json`` writes keys and values as JSON. Raises InvalidInputError if the document cannot be changed in
    place.
    """
    edited = text
    for key, value in changes.values.items():
        root = _root(edited, line, column)
        present = next((entry for entry in root.entries if entry.name == key), None)
        if value is not None:
            edited = _with(edited, root, key, value, present, as_json=as_json)
        elif present is not None:
            edited = _without(edited, root, present)
    for key, item in changes.added.items():
        root = _root(edited, line, column)
        present = next((entry for entry in root.entries if entry.name == key), None)
        if present is None or present.items is None or not present.items.entries:
            edited = _with(edited, root, key, [item], present, as_json=as_json)
        else:
            edited = _appended(edited, present.items, item, as_json=as_json)
    _check(text, edited, changes)
    return edited


def _root(text: str, line: int, column: int) -> _Node:
    """Return the mapping of the document that starts there."""
    reader = _Reader(text)
    try:
        for event in events(text.encode()):
            reader.take(event)
    except yaml.YAMLError as error:
        raise InvalidInputError("the file is not valid YAML", hint=BY_HAND) from error
    found = reader.roots.get((line, column))
    if found is None or not found.mapping:
        raise InvalidInputError(f"line {line} does not begin a tenant's document", hint=BY_HAND)
    return found


@dataclass(slots=True)
class _Frame:
    node: _Node
    own: _Entry | None
    """The entry of the node around it that this node is the value of."""
    key: tuple[str, int] | None = None


@dataclass(slots=True)
class _Reader:
    """Collects the entries of the first two levels of each document."""

    text: str
    roots: dict[tuple[int, int], _Node] = field(default_factory=dict)
    _open: list[_Frame] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lines = [0, *(match.end() for match in _LINE.finditer(self.text))]

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
        own: _Entry | None = None
        if frame is not None and frame.node.mapping and frame.key is None:
            frame.key = (getattr(event, "value", ""), start)
            return
        if frame is not None:
            name, begins = frame.key or ("", start)
            frame.key = None
            own = _Entry(name, begins, (start, max(start, self._trimmed(end))))
            frame.node.entries.append(own)
            if not isinstance(event, CollectionStartEvent):
                self._grow(end)
        if isinstance(event, CollectionStartEvent):
            node = _Node(bool(event.flow_style), isinstance(event, MappingStartEvent))
            if own is None:
                self.roots[place(event)] = node
            elif isinstance(event, SequenceStartEvent):
                own.items = node
            self._open.append(_Frame(node, own))

    def _close(self, event: CollectionEndEvent) -> None:
        frame = self._open.pop()
        if frame.node.flow:
            self._grow(self._at(event.end_mark), frame.own)

    def _grow(self, end: int, own: _Entry | None = None) -> None:
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


def _with(text: str, root: _Node, key: str, value: Json, present: _Entry | None, *, as_json: bool) -> str:
    """Return the text in which the key has the value."""
    name = json.dumps(key) if as_json else key
    entry = f"{name}: {written(value, as_json=as_json)}"
    if root.flow:
        if present is not None:
            return text[: present.start] + entry + text[present.value[1] :]
        end = root.entries[-1].value[1]
        return f"{text[:end]}, {entry}{text[end:]}"
    if present is not None:
        end = _line_end(text, present.value[1])
        block = _block(key, value, _indent(text, present.start), _newline(text))
        return text[: present.start] + block + text[end:]
    last = root.entries[-1]
    end, indent = _line_end(text, last.value[1]), _indent(text, root.entries[0].start)
    return f"{text[:end]}{_newline(text)}{indent}{_block(key, value, indent, _newline(text))}{text[end:]}"


def _without(text: str, root: _Node, present: _Entry) -> str:
    """Return the text without the key: its whole lines, or its part of a flow mapping."""
    index = root.entries.index(present)
    if root.flow:
        if index + 1 < len(root.entries):
            return text[: present.start] + text[root.entries[index + 1].start :]
        return text[: root.entries[index - 1].value[1]] + text[present.value[1] :]
    end = _line_end(text, present.value[1])
    following = _LINE.match(text, end)
    start = present.start - len(_indent(text, present.start))
    if following is None:
        return text[:start].removesuffix("\n").removesuffix("\r")
    return text[:start] + text[following.end() :]


def _appended(text: str, items: _Node, item: Json, *, as_json: bool) -> str:
    """Return the text with one more item in a list."""
    end = items.entries[-1].value[1]
    if items.flow:
        return f"{text[:end]}, {written(item, as_json=as_json)}{text[end:]}"
    begins = text.rfind("-", 0, items.entries[0].start)
    end = _line_end(text, end)
    return f"{text[:end]}{_newline(text)}{_indent(text, begins)}- {written(item)}{text[end:]}"


def _block(key: str, value: Json, indent: str, newline: str) -> str:
    """Return the key in block style: a list with one item a line."""
    if isinstance(value, list):
        return newline.join((f"{key}:", *(f"{indent}  - {written(item)}" for item in value)))
    return f"{key}: {written(value)}"


def written(value: Json, *, as_json: bool = False) -> str:
    """Return a value on one line, as YAML or as JSON. Text is quoted where YAML needs it."""
    if as_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not value.endswith(":"):
        return value
    return json.dumps(value, ensure_ascii=False)


def _line_end(text: str, position: int) -> int:
    """Return where the line ends that the position is on, before its line break."""
    found = _LINE.search(text, position)
    return len(text) if found is None else found.start()


def _indent(text: str, position: int) -> str:
    """Return the blank space between the beginning of the line and the position."""
    before = text[max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1 : position]
    return before if not before.strip(" ") else " " * len(before)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _check(before: str, after: str, changes: Changes) -> None:
    """Raise InvalidInputError unless one document differs, and only in the changed keys."""
    was, becomes = (list(_documents(text)) for text in (before, after))
    others = [pair for pair in zip(was, becomes, strict=False) if pair[0] != pair[1]]
    keys = {*changes.values, *changes.added}
    alike = all(_left(one, keys) == _left(other, keys) for one, other in others)
    if len(was) != len(becomes) or len(others) > 1 or not alike:
        raise InvalidInputError("the document cannot be changed in place", hint=BY_HAND)


def _documents(text: str) -> Iterator[object]:
    """Yield the documents; of lines of JSON, each."""
    parsed = parse(text.encode(), "")
    if parsed.problems:
        raise InvalidInputError(
            f"the document cannot be changed in place: {parsed.problems[0].message}", hint=BY_HAND
        )
    yield from (document.value for document in parsed.documents)


def _left(document: object, keys: set[str]) -> object:
    return (
        {key: value for key, value in document.items() if key not in keys}
        if isinstance(document, dict)
        else document
    )
