"""JSON tenants, as programs write them: one a line in a file, or any number on stdin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from reconciler.desired.problem import Location, Problem
from reconciler.files.entry import Entry, Text
from reconciler.files.events import encoding_problem
from reconciler.files.tree import MAX_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in members if names.count(name) > 1)
        raise _TwiceError(f"the key {twice!r} is written twice")
    return members


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def read_lines(data: bytes, file: str) -> Iterator[tuple[bytes, Entry | Problem]]:
    """Each line that is not blank, with its entry, or with what makes it unreadable."""
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield line, _read_line(line, file, number)


def _read_line(line: bytes, file: str, number: int) -> Entry | Problem:
    """The tenant on one line."""
    if len(line) > MAX_FILE_BYTES:
        return Problem(Location(file, number), f"the line is longer than {MAX_FILE_BYTES >> 20} MiB")
    problem = encoding_problem(line, file)
    if problem is not None:
        return Problem(Location(file, number, problem.location.column), problem.message, problem.hint)
    value = decoded(line.decode(), Location(file, number))
    if isinstance(value, Problem):
        return value
    indent = len(line) - len(line.lstrip())
    return Entry(value, Text(file, line, number), 1, indent + 1)


def decoded(text: str, start: Location) -> Any:
    """The JSON value of a text that begins at ``start``, or a Problem."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        column = error.colno + (start.column - 1 if error.lineno == 1 else 0)
        location = Location(start.file, start.line + error.lineno - 1, column)
        return Problem(location, f"not valid JSON: {error.msg}")
    except RecursionError:
        return Problem(start, "nested too deep")
    except ValueError as error:
        return Problem(start, str(error))
