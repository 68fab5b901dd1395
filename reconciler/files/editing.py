"""Changes a tenant's document in place: only the lines of the changed keys are others, all else stays as it was.

The text is cut at the positions that the YAML parser gives, and never written anew from its values. A JSON line is
a flow mapping to YAML. The result is parsed again, and refused unless exactly the changed keys differ.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.errors import InvalidInputError
from reconciler.files.canonical import tenant_shape
from reconciler.files.events import parse
from reconciler.files.new_documents import NUMBER
from reconciler.files.nodes import BY_HAND, LINE, document
from reconciler.files.plain_values import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.files.canonical import Shape
    from reconciler.files.nodes import Node, NodeEntry
    from reconciler.model.values import Json

Key: TypeAlias = "str | tuple[str, ...]"
"""A key of the document, or the path of one below it."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9][\w./:+-]*", re.ASCII)
"""Text that needs no quotes in any place of a document."""


class Changes(Struct, frozen=True):
    """What becomes of the keys of a tenant's document."""

    values: Mapping[Key, Json | None]
    """Its new value; None removes the key, and the mappings that are empty then."""
    added: Mapping[Key, Json] = {}
    """An entry that is appended to its list."""


def changed(text: str, line: int, column: int, changes: Changes, *, as_json: bool = False) -> str:
    """Return the text with the changes to the document that starts at this place (1-based).

    ``as_json`` writes keys and values as JSON. Raises InvalidInputError if the document cannot be changed in
    place.
    """
    edited = text
    for key, value in changes.values.items():
        found = _found(document(edited, line, column), path_of(key))
        edited = found.removed(edited) if value is None else found.replaced(edited, value, as_json=as_json)
    for key, item in changes.added.items():
        found = _found(document(edited, line, column), path_of(key))
        items = found.entry.node if found.entry is not None and not found.rest else None
        if items is None or items.mapping or not items.entries:
            edited = found.replaced(edited, [item], as_json=as_json)
        else:
            edited = _appended(edited, items, item, as_json=as_json)
    _check(text, edited, [path_of(key) for key in (*changes.values, *changes.added)])
    return edited


def with_lines_in(text: str, line: int, column: int, key: str, lines: Sequence[str]) -> str:
    """Return the text with lines added at the end of the block mapping that the key has as its value.

    ``lines`` are without the indentation of its members. An empty mapping (``{}``) becomes a block. Raises
    InvalidInputError if the key has another value.
    """
    entry = document(text, line, column).entry(key)
    node = None if entry is None else entry.node
    if entry is None or node is None or not node.mapping or (node.flow and node.entries):
        raise InvalidInputError(f"{key} is no block of lines that something can be added to", hint=BY_HAND)
    start, end = entry.value
    if node.flow:
        before, after, indent = text[:start].rstrip(" "), text[end:], "  "
    else:
        last = _line_end(text, end)
        before, after, indent = text[:last], text[last:], _indent(text, start)
    newline = _newline(text)
    edited = before + "".join(f"{newline}{indent}{row}" if row else newline for row in lines) + after
    _check(text, edited, [(key,)])
    return edited


def path_of(key: Key) -> tuple[str, ...]:
    """Return a key as a path."""
    return (key,) if isinstance(key, str) else key


def holds(value: object, path: tuple[str, ...]) -> bool:
    """Return whether a document has the path."""
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


class _Found(Struct, frozen=True):
    """Where a path leads to."""

    node: Node
    """The innermost mapping on the path."""
    shape: Shape
    key: str
    entry: NodeEntry | None
    """What has the key; None if the mapping has no such key."""
    rest: tuple[str, ...]
    """The keys of the path below it, which do not exist."""
    around: tuple[tuple[Node, NodeEntry], ...]
    """The mappings around it, each with its entry on the path."""

    def replaced(self, text: str, value: Json, *, as_json: bool) -> str:
        """Return the text in which the path has the value."""
        if self.rest and self.entry is not None and self.entry.scalar not in {None, ""}:
            raise InvalidInputError(f"{self.key} is no mapping", hint=BY_HAND)
        for key in reversed(self.rest):
            value = {key: value}
        return _with(text, self, value, as_json=as_json)

    def removed(self, text: str) -> str:
        """Return the text without the key, and without the mappings that only contain it."""
        if self.entry is None or self.rest:
            return text
        node, entry = self.node, self.entry
        for outer, own in reversed(self.around):
            if len(node.entries) > 1:
                break
            node, entry = outer, own
        return _without(text, node, entry)


def _found(root: Node, path: tuple[str, ...]) -> _Found:
    around: list[tuple[Node, NodeEntry]] = []
    node, shape = root, tenant_shape()
    for depth, key in enumerate(path, start=1):
        entry = node.entry(key)
        inner = entry.node if entry is not None else None
        if depth == len(path) or entry is None or inner is None or not inner.mapping:
            return _Found(node, shape, key, entry, path[depth:], tuple(around))
        around.append((node, entry))
        node, shape = inner, shape.at(key)
    raise InvalidInputError("a path has at least one key")


def _with(text: str, found: _Found, value: Json, *, as_json: bool) -> str:
    """Return the text in which the key has the value."""
    node, present = found.node, found.entry
    name = json.dumps(found.key, ensure_ascii=False) if as_json else written(found.key)
    if present is None:
        return _inserted(text, found, name, value, as_json=as_json)
    inline = written(value, as_json=as_json)
    start, end = present.value
    multiline = not node.flow and (isinstance(value, list) or "\n" in text[present.start : end])
    if multiline:
        block = _block(name, value, _indent(text, present.start), _newline(text))
        return text[: present.start] + block + text[_line_end(text, end) :]
    return text[:start] + (f" {inline}" if start == end else inline) + text[end:]


def _inserted(text: str, found: _Found, name: str, value: Json, *, as_json: bool) -> str:
    """Return the text with a new key, after those that come before it in canonical order."""
    node = found.node
    if node.flow:
        entry = f"{name}: {written(value, as_json=as_json)}"
        if not node.entries:
            return f"{text[: node.start + 1]}{entry}{text[node.start + 1 :]}"
        if found.shape.rank(found.key) < found.shape.rank(node.entries[0].name):
            return f"{text[: node.entries[0].start]}{entry}, {text[node.entries[0].start :]}"
        end = _preceding(found).value[1]
        return f"{text[:end]}, {entry}{text[end:]}"
    end, indent = _line_end(text, _preceding(found).value[1]), _indent(text, node.entries[0].start)
    return f"{text[:end]}{_newline(text)}{indent}{_block(name, value, indent, _newline(text))}{text[end:]}"


def _preceding(found: _Found) -> NodeEntry:
    """Return the entry that a new key follows."""
    rank = found.shape.rank(found.key)
    before = [entry for entry in found.node.entries if found.shape.rank(entry.name) <= rank]
    return before[-1] if before else found.node.entries[0]


def _without(text: str, root: Node, present: NodeEntry) -> str:
    """Return the text without the key: its whole lines, or its part of a flow mapping."""
    index = root.entries.index(present)
    if root.flow:
        if index + 1 < len(root.entries):
            return text[: present.start] + text[root.entries[index + 1].start :]
        return text[: root.entries[index - 1].value[1]] + text[present.value[1] :]
    end = _line_end(text, present.value[1])
    following = LINE.match(text, end)
    start = present.start - len(_indent(text, present.start))
    if following is None:
        return text[:start].removesuffix("\n").removesuffix("\r")
    return text[:start] + text[following.end() :]


def _appended(text: str, items: Node, item: Json, *, as_json: bool) -> str:
    """Return the text with one more item in a list."""
    end = items.entries[-1].value[1]
    if items.flow:
        return f"{text[:end]}, {written(item, as_json=as_json)}{text[end:]}"
    begins = text.rfind("-", 0, items.entries[0].start)
    end = _line_end(text, end)
    return f"{text[:end]}{_newline(text)}{_indent(text, begins)}- {written(item)}{text[end:]}"


def _block(name: str, value: Json, indent: str, newline: str) -> str:
    """Return the key in block style: a list with one item a line, a mapping of mappings with one key a line."""
    if isinstance(value, list) and value:
        return newline.join((f"{name}:", *(f"{indent}  - {written(item)}" for item in value)))
    if isinstance(value, dict) and any(isinstance(member, dict) for member in value.values()):
        inner = (_block(written(key), member, indent + "  ", newline) for key, member in value.items())
        return newline.join((f"{name}:", *(f"{indent}  {one}" for one in inner)))
    return f"{name}: {written(value)}"


def written(value: Json, *, as_json: bool = False) -> str:
    """Return a value on one line, as YAML or as JSON. Text is quoted where a reader of YAML needs it."""
    if as_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if isinstance(value, str) and _is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    other = text.lower() in WORDS or NUMBER.fullmatch(text)
    return bool(_PLAIN.fullmatch(text)) and not text.endswith(":") and not other


def _line_end(text: str, position: int) -> int:
    """Return where the line ends that the position is on, before its line break."""
    found = LINE.search(text, position)
    return len(text) if found is None else found.start()


def _indent(text: str, position: int) -> str:
    """Return the blank space between the beginning of the line and the position."""
    before = text[max(text.rfind("\n", 0, position), text.rfind("\r", 0, position)) + 1 : position]
    return before if not before.strip(" ") else " " * len(before)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _check(before: str, after: str, paths: Iterable[tuple[str, ...]]) -> None:
    """Raise InvalidInputError unless one document differs, and only in the changed keys."""
    was, becomes = (list(_documents(text)) for text in (before, after))
    others = [pair for pair in zip(was, becomes, strict=False) if pair[0] != pair[1]]
    kept = list(paths)
    alike = all(_left(one, kept) == _left(other, kept) for one, other in others)
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


def _left(document: object, paths: Iterable[tuple[str, ...]]) -> object:
    """Return the document without what these paths lead to."""
    for path in paths:
        document = _dropped(document, path)
    return document


def _dropped(value: object, path: tuple[str, ...]) -> object:
    """Return the value without the path, and without mappings that are empty then; None if nothing is left."""
    if not isinstance(value, dict) or not path:
        return None
    inner = _dropped(value[path[0]], path[1:]) if path[0] in value else None
    others = {key: member for key, member in value.items() if key != path[0]}
    left = others if inner is None else {**others, path[0]: inner}
    return left or None
