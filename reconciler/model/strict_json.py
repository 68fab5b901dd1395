"""JSON as RFC 8259 has it, read without the liberties that Python takes."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Final, NoReturn

from reconciler.model.quoting import shown

MAX_DEPTH: Final = 32
"""Levels of lists and objects within a value."""
_MAX_NUMBER: Final = 2**63


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


def decoded(data: bytes) -> Any:
    """The value. Raises ValueError that says what is wrong with the text, and where."""
    try:
        return json.loads(
            data.decode(),
            object_pairs_hook=unique_members,
            parse_constant=no_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


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
