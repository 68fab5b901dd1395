"""YAML text -> plain documents whose scalars are still the written text, and the location of each node."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml
from msgspec import Struct
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.desired.naming import composed
from reconciler.files.hidden_text import hidden_text_problems
from reconciler.files.plain_values import NULLS
from reconciler.model.problem import Location, Problem
from reconciler.model.quoting import shown
from reconciler.model.strict_json import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

_Loader: Final = getattr(yaml, "CLoader", yaml.Loader)
"""Only its event stream is used, which builds no objects. The C parser is six times as fast."""


_KEY: Final = re.compile(r":\s")


class Quoted(str):
    """A scalar in quotes or a block scalar: always text."""

    __slots__ = ()


@dataclass(slots=True)
class Document:
    """One YAML document. ``value`` contains dict, list, str and None only."""

    value: object
    line: int
    column: int
    complete: bool = True
    """False if a part was left out: its problems say why, and nothing else is checked."""
    sound: bool = True
    """False if it contains something that is not allowed, left out or not."""
    end: int = 0
    """The last line that may belong to it."""


class Parsed(Struct, frozen=True):
    """The contents of a text. After a syntax error only the documents before it."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    unread_from: int | None = None
    """The first line that could not be read; None if all were."""

    @property
    def doubtful(self) -> list[tuple[int, int | None]]:
        """First and last line of each part whose contents are uncertain; None means the end."""
        found: list[tuple[int, int | None]] = [(one.line, one.end) for one in self.documents if not one.sound]
        return found if self.unread_from is None else [*found, (self.unread_from, None)]


def parse(data: bytes, file: str) -> Parsed:
    """Return the documents of a YAML text. Empty ones, as after a final ``---``, are left out."""
    unfit = text_problems(data, file)
    if unfit:
        return Parsed((), unfit, unread_from=1)
    usual = _ordinary(data)
    return strictly_parsed(data, file) if usual is None else Parsed(usual, ())


def _ordinary(data: bytes) -> tuple[Document, ...] | None:  # noqa: C901, PLR0912 - calls take as long
    """Return the documents of an ordinary text, in one loop; None for a text that the strict builder has to judge.

    Ordinary are no tags, anchors and aliases, no key twice, no keys but scalars, and no deep nesting.
    """
    documents: list[Document] = []
    stack: list[Any] = []
    node: Any = None
    key: str | None = None
    value: object
    event: Any
    try:
        for event in events(data):
            kind = event.__class__
            if kind is ScalarEvent:
                if event.tag is not None or event.anchor is not None:
                    return None
                text = event.value
                if key is None and node.__class__ is dict:
                    key = text if text.isascii() else composed(text)
                    if key in node:
                        return None
                    continue
                value = Quoted(text) if event.style else None if text in NULLS else text
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                unfit = event.tag is not None or event.anchor is not None or len(stack) >= MAX_DEPTH
                if unfit or (key is None and node.__class__ is dict):
                    return None
                value = {} if kind is MappingStartEvent else []
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                node = stack.pop()
                continue
            elif kind is DocumentEndEvent:
                _close(documents, event)
                continue
            elif kind is AliasEvent:
                return None
            else:
                continue
            if node is None:
                documents.append(Document(value, *place(event)))
            elif key is None:
                node.append(value)
            else:
                node[key] = value
                key = None
            if kind is not ScalarEvent:
                stack.append(node)
                node = value
    except yaml.YAMLError:
        return None
    return tuple(documents)


def _close(documents: list[Document], event: yaml.Event) -> None:
    """The last document ends; an empty one is left out."""
    if documents and documents[-1].value is None:
        documents.pop()
    elif documents and not documents[-1].end:
        line, column = place(event)
        documents[-1].end = line if column > 1 else line - 1


def strictly_parsed(data: bytes, file: str) -> Parsed:
    """Return the documents of a text, and what is wrong with it."""
    builder = _Builder(file)
    unread: int | None = None
    try:
        for event in events(data):
            builder.take(event)
    except yaml.YAMLError as error:
        builder.problems.append(_syntax_problem(error, file, data))
        unread = builder.ended
    except _TooDeepError:  # the builder has reported the problem
        unread = builder.ended
    return Parsed(tuple(builder.documents), tuple(builder.problems), unread)


def events(data: bytes) -> Iterator[yaml.Event]:
    """Yield the events of a UTF-8 text; raises yaml.YAMLError if the text is not YAML."""
    loader = _Loader(data)
    try:
        yield from iter(loader.get_event, None)
    finally:
        loader.dispose()


def place(event: yaml.Event) -> tuple[int, int]:
    """Return line and column of an event, 1-based."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def text_problems(data: bytes, file: str, first_line: int = 1) -> tuple[Problem, ...]:
    """Return why bytes cannot be read as text: invalid UTF-8, or characters that a review does not show."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place = _location(file, data[: error.start], first_line)
        return (Problem(place, "not valid UTF-8", "save the file as UTF-8"),)
    return hidden_text_problems(text, file, first_line)


def _location(file: str, before: bytes, first_line: int = 1) -> Location:
    """Return the location after the bytes ``before``."""
    line = before.rpartition(b"\n")[2].decode(errors="replace")
    return Location(file, before.count(b"\n") + first_line, len(line) + 1)


def _syntax_problem(error: yaml.YAMLError, file: str, data: bytes) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        text = error.problem or error.context or "cannot be read"
        location = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
    elif isinstance(error, yaml.reader.ReaderError):
        text = error.reason
        location = _location(file, _before(data, error.position))
    else:
        text, location = "cannot be read", Location(file)
    return Problem(location, f"not valid YAML: {text}", _syntax_hint(text, _up_to(data, location)))


def _up_to(data: bytes, location: Location) -> str:
    """Return the text of the location's line before its column."""
    lines = data.decode(errors="replace").splitlines()
    return lines[location.line - 1][: location.column - 1] if location.line <= len(lines) else ""


def _before(data: bytes, position: int) -> bytes:
    """Return the bytes before a reader error: PyYAML counts bytes in the C parser, characters in its own."""
    return data[:position] if hasattr(yaml, "CLoader") else data.decode()[:position].encode()


def _syntax_hint(text: str, before: str) -> str | None:
    """Return the remedy; ``before`` is the line up to the error."""
    if "cannot start any token" in text or "tab character" in text:
        return "indent with spaces, not tabs; put text with special characters in quotes"
    if "mapping values" in text:
        two_values = _KEY.search(before) is not None
        return (
            "text that contains ': ' needs quotes"
            if two_values
            else "indent this key like the other keys of its mapping"
        )
    if "block end" in text or "expected key" in text or "',' or" in text:
        return "check the indentation, the quotes and the brackets above"
    if "unexpected end of stream" in text:
        return "close the quotes and the brackets that are open"
    return None


class _TooDeepError(Exception):
    """Stops parsing a file that is nested too deep."""


class _NoKey:
    """In a mapping's frame: the next scalar is a key."""


class _Discard:
    """The key of a value that is left out."""


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence that is still open."""

    node: dict[str, object] | list[object]
    key: object = _NoKey


@dataclass(slots=True)
class _Builder:
    """Builds documents from events; what is not allowed is reported and left out."""

    file: str
    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ended: int = 1
    """The line on which the last complete document ended; what follows starts there."""
    _open: list[_Frame] = field(default_factory=list)
    _document: Document | None = None
    _reported: int = 0
    """The number of problems when the document started."""

    def take(self, event: yaml.Event) -> None:
        match event:
            case ScalarEvent():
                self._scalar(event)
            case MappingStartEvent():
                self._start(event, {})
            case SequenceStartEvent():
                self._start(event, [])
            case CollectionEndEvent():
                self._open.pop()
            case AliasEvent():
                self._report(event, "aliases (*name) are not allowed", "write the value instead")
                self._leave_out(event)
            case DocumentEndEvent():
                self._end(event)

    def _scalar(self, event: ScalarEvent) -> None:
        if event.tag is not None or event.anchor is not None:
            self._refuse_properties(event)
        text: str = event.value
        frame = self._open[-1] if self._open else None
        if frame is not None and frame.key is _NoKey and frame.node.__class__ is dict:
            self._key(event, frame, text)
        elif event.style:
            self._place(Quoted(text), event)
        else:
            self._place(None if text in NULLS else text, event)

    def _end(self, event: DocumentEndEvent) -> None:
        self.ended, column = place(event)
        if self._document is not None:
            self._document.sound = len(self.problems) == self._reported
            self._document.end = self.ended if column > 1 else self.ended - 1
            if self._document.value is not None or not self._document.sound:
                self.documents.append(self._document)
        self._document = None
        self._reported = len(self.problems)

    def _key(self, event: ScalarEvent, frame: _Frame, text: str) -> None:
        text = composed(text)
        if text in frame.node:
            self._report(event, f"duplicate key {shown(text)}", "keep one of them")
            frame.key = _Discard
        else:
            frame.key = text

    def _start(self, event: CollectionStartEvent, node: dict[str, object] | list[object]) -> None:
        if event.tag is not None or event.anchor is not None:
            self._refuse_properties(event)
        frame = self._open[-1] if self._open else None
        if frame is not None and frame.key is _NoKey and isinstance(frame.node, dict):
            self._report(event, "a key must be text", "write 'key: value'")
            self._leave_out(event)
        else:
            self._place(node, event)
        self._open.append(_Frame(node))
        if len(self._open) > MAX_DEPTH:
            self._report(event, f"nested more than {MAX_DEPTH} levels deep")
            raise _TooDeepError

    def _place(self, value: object, event: yaml.Event) -> None:
        if not self._open:
            self._document = Document(value, *place(event))
            return
        frame = self._open[-1]
        if isinstance(frame.node, list):
            frame.node.append(value)
            return
        if isinstance(frame.key, str):
            frame.node[frame.key] = value
        frame.key = _NoKey

    def _leave_out(self, event: yaml.Event) -> None:
        if self._document is None:
            self._place(None, event)
        elif isinstance(self._open[-1].node, dict):
            self._open[-1].key = _Discard if self._open[-1].key is _NoKey else _NoKey
        if self._document is not None:
            self._document.complete = False

    def _refuse_properties(self, event: ScalarEvent | CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._report(event, "anchors (&name) are not allowed", "write the value instead")
        if event.tag is not None:
            self._report(event, "tags (!name) are not allowed", "remove the tag")

    def _report(self, event: yaml.Event, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(Location(self.file, *place(event)), message, hint))
