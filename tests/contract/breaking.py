"""How tests break a JSON document in one place."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Path = tuple[Any, ...]
"""Keys and positions from the root of a document."""
LEFT_OUT: Final = object()
"""What is spoilt by being absent."""
VALUES: Final[dict[str, Any]] = {
    "nothing": LEFT_OUT,
    "null": None,
    "true": True,
    "below zero": -1,
    "zero": 0,
    "400 digits": 10**400,
    "nearly infinite": 1e308,
    "no text": "",
    "a letter": "x",
    "no list": [],
    "no object": {},
    "a list of null": [None],
    "objects": {"": {}},
    "a terminal's command": "\x1b[2J",
    "a runner's command": "::error::x",
    "backwards": "\u202e",
    "half a pair": "\ud800",
    "100,000 letters": "a" * 100_000,
    "the last day": "9999-12-31T23:59:59Z",
    "later than the last day": "9999-12-31T23:59:59-10:00",
    "earlier than the first day": "0001-01-01T00:00:00+10:00",
    "no day": "0000-00-00T00:00:00Z",
    "no zone": "2026-11-23T09:00:00+99:99",
}
"""What a program that made a mistake, or means harm, may put anywhere."""


def places(value: Any, kind: type, here: Path = ()) -> Iterator[Path]:
    """The paths of all values of ``kind`` in a document."""
    if isinstance(value, kind):
        yield here
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, kind, (*here, key))


def value_at(document: Any, path: Path) -> Any:
    """The value at ``path``."""
    for step in path:
        document = document[step]
    return document


def changed(document: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """A copy of ``document`` in which the value at ``path`` is changed."""
    if not path:
        return change(document)
    fresh = copy.copy(document)
    fresh[path[0]] = changed(fresh[path[0]], path[1:], change)
    return fresh


def spoilt_at(document: Any, path: Path, value: object) -> Any:
    """A copy of ``document`` with ``value`` at ``path``; LEFT_OUT takes a member away, and an item for null."""
    if value is LEFT_OUT and isinstance(path[-1], str):
        return changed(document, path[:-1], lambda found: {k: v for k, v in found.items() if k != path[-1]})
    return changed(document, path, lambda _: None if value is LEFT_OUT else value)
