"""Tenants as JSON: one per line in a file, or any number on stdin."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Final

from reconciler.desired.naming import composed
from reconciler.files.entry import Entry, Text
from reconciler.files.events import text_problems
from reconciler.files.tree import MAX_FILE_BYTES
from reconciler.model.problem import Location, Problem
from reconciler.model.strict_json import MAX_DEPTH, no_constant, refuse_depth, unique_members

if TYPE_CHECKING:
    from collections.abc import Iterator


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the same with keys in NFC."""
    return unique_members([(composed(name), value) for name, value in pairs])


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=no_constant)
_VALUE: Final = re.compile(r"[^\s,\[\]]")
"""The first character of a value in an array or after another value."""


def read_lines(data: bytes, file: str, path: str = "") -> Iterator[tuple[bytes, Entry | Problem]]:
    """Yield each line that is not blank, with its entry or its problem.

    ``file`` is the file's name in messages, ``path`` its path relative to the fleet's folder.
    """
    for number, line in enumerate(data.removeprefix(BOM_UTF8).split(b"\n"), start=1):
        if line.strip(b" \t\r"):
            yield line, _read_line(line, file, number, path)


def read_values(text: str, file: str) -> Iterator[Entry | Problem]:
    """Yield JSON tenants one after another, in any layout, or in one array. Ends with the first problem."""
    try:
        if text.lstrip().startswith("["):
            _DECODER.decode(text)
        start = _next_value(text, 0)
        line, begins, counted = 1, 0, 0
        while start < len(text):
            value, end = _decoded(text, start)
            line += text.count("\n", counted, start)
            begins = max(begins, text.rfind("\n", counted, start) + 1)
            counted = start
            yield Entry(value, Text(file, text[start:end].encode(), line, start - begins))
            start = _next_value(text, end)
    except (ValueError, RecursionError) as error:
        yield _problem(error, file, 1)


def _read_line(line: bytes, file: str, number: int, path: str) -> Entry | Problem:
    """Read the tenant on one line."""
    if len(line) > MAX_FILE_BYTES:
        return Problem(Location(file, number), f"the line is longer than {MAX_FILE_BYTES >> 20} MiB")
    if unfit := text_problems(line.removesuffix(b"\r"), file, number):
        return unfit[0]
    text = line.decode().strip()
    try:
        value, end = _decoded(text, 0)
        if end < len(text):
            return Problem(Location(file, number, end + 1), "one JSON tenant per line, and nothing after it")
    except (ValueError, RecursionError) as error:
        return _problem(error, file, number)
    return Entry(value, Text(file, line, number, path=path), 1, len(line) - len(line.lstrip()) + 1)


def _next_value(text: str, position: int) -> int:
    """Return where the next value starts: after blanks and the syntax of an array."""
    found = _VALUE.search(text, position)
    return found.start() if found is not None else len(text)


def _decoded(text: str, start: int) -> tuple[object, int]:
    value, end = _DECODER.raw_decode(text, start)
    if text.count("{", start, end) + text.count("[", start, end) > MAX_DEPTH:
        refuse_depth(value, MAX_DEPTH)
    return value, end


def _problem(error: Exception, file: str, line: int) -> Problem:
    if isinstance(error, json.JSONDecodeError):
        return Problem(Location(file, line + error.lineno - 1, error.colno), f"not valid JSON: {error.msg}")
    if isinstance(error, RecursionError):
        return Problem(Location(file, line), f"nested more than {MAX_DEPTH} levels deep")
    return Problem(Location(file, line), str(error))
