"""JSON as RFC 8259 has it, read without the liberties that Python takes."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_DEPTH: Final = 32
"""Levels of lists and objects within a value."""
_MAX_NUMBER: Final = 2**63
_SPACES: Final = re.compile(r"[ \t\n\r]*")


def unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object. Raises ValueError for a duplicate key."""
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name in members if counts[name] > 1)
        raise ValueError(f"duplicate key {shown(twice)}")
    return members


def no_constant(word: str) -> NoReturn:
    """Raise ValueError for constants that Python accepts although they are not JSON."""
    raise ValueError(f"{word} is not JSON")


def refuse_depth(value: object, levels: int) -> None:
    """Raise RecursionError for a value that is nested deeper."""
    if not isinstance(value, (dict, list)):
        return
    if levels == 0:
        raise RecursionError
    for member in value.values() if isinstance(value, dict) else value:
        refuse_depth(member, levels - 1)


Maker: TypeAlias = "Callable[[Any], Any]"
"""Makes something of an item of a list."""
Makers: TypeAlias = "Mapping[str, Callable[[Mapping[str, object]], Maker]]"
"""By the name of a member that is a list: gets the members before it, and returns what is made of its items."""


def decoded(data: bytes, items: Makers = MappingProxyType({})) -> Any:
    """The value. Raises ValueError that says what is wrong with the text, and where.

    ``items`` makes something of each item of a list that is a member of the value: at once, so that a long list is
    never there as JSON. What a maker raises ends the reading.
    """
    try:
        return _value(data.decode(), items)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _value(text: str, items: Makers) -> Any:
    decoder, start = _decoder(), _space(text, 0)
    if items and text.startswith("{", start):
        found, end = _object(text, start, decoder, items)
    else:
        found, end = decoder.raw_decode(text, start)
    if (end := _space(text, end)) < len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return found


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=unique_members, parse_constant=no_constant, parse_int=_whole, parse_float=_finite
    )


def _space(text: str, at: int) -> int:
    """The place of what comes after spaces."""
    found = _SPACES.match(text, at)
    return at if found is None else found.end()


def _object(text: str, at: int, decoder: json.JSONDecoder, items: Makers) -> tuple[dict[str, object], int]:
    """The object that begins at this place, and the place after it."""
    pairs: list[tuple[str, object]] = []
    at = _space(text, at + 1)
    while not text.startswith("}", at) or pairs:
        if not text.startswith('"', at):
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        name, at = decoder.raw_decode(text, at)
        at = _space(text, _after(text, _space(text, at), ":"))
        if name in items and text.startswith("[", at):
            value, at = _list(text, at, decoder, items[name](dict(pairs)))
        else:
            value, at = decoder.raw_decode(text, at)
        pairs.append((name, value))
        at = _space(text, at)
        if text.startswith("}", at):
            break
        at = _space(text, _after(text, at, ","))
    return unique_members(pairs), at + 1


def _list(text: str, at: int, decoder: json.JSONDecoder, make: Maker) -> tuple[list[Any], int]:
    """What is made of each item of the list that begins at this place, and the place after it."""
    made: list[Any] = []
    at = _space(text, at + 1)
    while not text.startswith("]", at) or made:
        item, at = decoder.raw_decode(text, at)
        made.append(make(item))
        at = _space(text, at)
        if text.startswith("]", at):
            break
        at = _space(text, _after(text, at, ","))
    return made, at + 1


def _after(text: str, at: int, sign: str) -> int:
    if not text.startswith(sign, at):
        raise json.JSONDecodeError(f"Expecting {sign!r} delimiter", text, at)
    return at + 1


def _whole(text: str) -> int:
    number = int(text) if len(text) <= len(str(_MAX_NUMBER)) else _MAX_NUMBER
    if abs(number) >= _MAX_NUMBER:
        raise ValueError(f"the number {shown(text)} is too large")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {shown(text)} is too large")
    return number
