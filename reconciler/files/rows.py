"""Rows of a database -> tenants' documents: a column is a key of a file, and each row is checked as a file is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.assignments import located
from reconciler.files.entry import ROWS, Entry, Text
from reconciler.model.problem import Location, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeAlias

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import SqlSource
    from reconciler.files.canonical import Shape

    Row: TypeAlias = Mapping[str, object]
    ReadRows: TypeAlias = Callable[[SqlSource, DesiredState], Iterable[Row]]
    """Reads the rows of a query. The price list decides whether the query may run."""

NAME: Final = "tenant"
OVERRIDES: Final = "overrides a row of a database, which this command does not read: checked when it is read"


def entries(source: SqlSource, rows: Iterable[Row]) -> Iterator[Entry | Problem]:
    """Yield each row as a document, or what is wrong with it; a wrong column is one problem for all rows.

    The location of a row is the number of the source, its tenant, and its number: ``tenants[1].sql[acme]:17``.
    """
    columns: dict[str, tuple[tuple[str, ...], Shape]] | None = None
    for number, row in enumerate(rows, start=1):
        if columns is None:
            try:
                columns = _columns(row)
            except InvalidInputError as error:
                yield Problem(source.location, f"the query has a column that is no key: {error}", error.hint)
                return
        yield _entry(source, number, row, columns)
    if columns is None:
        message = "the query returns no row: this source has no tenants"
        yield Problem(source.location, message, severity=Severity.WARNING)


def not_read(source: SqlSource) -> Problem:
    """Return the warning of a command that reads no database."""
    message = "this command reads no database: the tenants of the query are not among those checked"
    return Problem(source.location, message, severity=Severity.WARNING)


def overrides_a_row(entry: Entry) -> bool:
    """Return whether a document needs a row below it: it has no tier."""
    value = entry.value
    return isinstance(value, dict) and NAME in value and "tier" not in value and value.get("state") != "absent"


def _columns(row: Row) -> dict[str, tuple[tuple[str, ...], Shape]]:
    found = {column: located(column) for column in row}
    if not any(path == (NAME,) for path, _ in found.values()):
        raise InvalidInputError("no column is named tenant", hint="select ... as tenant")
    return found


def _entry(
    source: SqlSource, number: int, row: Row, columns: Mapping[str, tuple[tuple[str, ...], Shape]]
) -> Entry | Problem:
    """Return the row as one line of JSON: its errors are reported as for a line of a file."""
    document: dict[str, object] = {}
    for column, value in row.items():
        path, shape = columns[column]
        if value is not None:
            _put(document, path, _structured(value, shape))
    name = document.get(NAME)
    file = f"tenants[{source.index}].sql[{name}]"
    if not isinstance(name, (str, int)) or isinstance(name, bool):
        return Problem(Location(f"tenants[{source.index}].sql", number), "the row names no tenant")
    try:
        line = json.dumps(document, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        return Problem(Location(file, number), str(error))
    value = json.loads(line)
    return Entry(value, Text(file, line.encode(errors="surrogatepass"), number, path=f"{ROWS}{source.index}"))


def _structured(value: object, shape: Shape) -> object:
    """Return a list or a mapping that a database without such a type has as text of JSON."""
    if isinstance(value, str) and shape.read is None and value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _put(document: dict[str, object], path: tuple[str, ...], value: object) -> None:
    """Put a value at a path; a column of a whole mapping and one of a key in it are merged."""
    for key in path[:-1]:
        inner = document.setdefault(key, {})
        document = inner if isinstance(inner, dict) else document.setdefault(key, {})  # type: ignore[assignment]
    present = document.get(path[-1])
    document[path[-1]] = {**value, **present} if isinstance(present, dict) and isinstance(value, dict) else value
