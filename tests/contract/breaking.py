"""How tests break a JSON document in one place."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Path = tuple[Any, ...]
"""Keys and positions from the root of a document."""


def places(value: Any, kind: type, here: Path = ()) -> Iterator[Path]:
    """The paths of all values of ``kind`` in a document."""
    if isinstance(value, kind):
        yield here
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, kind, (*here, key))


def changed(document: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """A copy of ``document`` in which the value at ``path`` is changed."""
    if not path:
        return change(document)
    fresh = copy.copy(document)
    fresh[path[0]] = changed(fresh[path[0]], path[1:], change)
    return fresh
