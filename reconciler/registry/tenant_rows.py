"""The rows of a query against the platform's database, for tenants that it declares."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import InvalidInputError, MissingRegistryPackageError
from reconciler.model.moments import rfc3339, utc
from reconciler.registry import INSTALL_SQL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

    from reconciler.desired.tier import EnvReference
    from reconciler.environment import Environment

MOST_ROWS: Final = 1_000_000
WHAT: Final = "a database of tenants"


def read_rows(address: EnvReference, query: str, environ: Environment) -> list[dict[str, object]]:
    """Return each row of a query by its columns, in the order of the query.

    The query runs as one statement in one transaction that can only read, and sees one state of the database.
    Values are those of JSON: numbers, text, true and false, None, lists and mappings; moments are text in UTC.

    Raises MissingKeyError for a variable that is not set, InvalidInputError for an address or a query that is not
    valid, and RegistryError for a database that cannot be read.
    """
    try:
        from reconciler.registry.connect import open_engine  # noqa: PLC0415 - optional packages, slow to import
        from reconciler.registry.database import telling  # noqa: PLC0415

        engine = open_engine(address, environ, WHAT)
    except ImportError as error:
        raise MissingRegistryPackageError(
            f"tenants of a database need the package {error.name}", hint=INSTALL_SQL
        ) from error
    _require_file(engine, address)
    with telling(engine), engine.connect() as connection:
        names, rows = (_of_sqlite if engine.dialect.name == "sqlite" else _of_postgresql)(connection, query)
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInputError(f"the query has two columns {doubled!r}", hint="rename one with AS")
    if len(rows) > MOST_ROWS:
        raise InvalidInputError(f"the query returns more than {MOST_ROWS:,} rows")
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows]


def _require_file(engine: Engine, address: EnvReference) -> None:
    """Raises InvalidInputError if an SQLite file does not exist: to connect would create it."""
    database = engine.url.database
    if engine.dialect.name == "sqlite" and (not database or not Path(database).is_file()):
        raise InvalidInputError(
            f"${address.name}: the SQLite file does not exist", hint="sqlite:///path/of/the.db"
        )


def _of_sqlite(connection: Connection, query: str) -> tuple[list[str], Sequence[Sequence[object]]]:
    """Return the columns and the rows. SQLite runs one statement at a time."""
    connection.exec_driver_sql("PRAGMA query_only = ON")
    result = connection.exec_driver_sql(query)
    return list(result.keys()), result.fetchmany(MOST_ROWS + 1)


def _of_postgresql(connection: Connection, query: str) -> tuple[list[str], Sequence[Sequence[object]]]:
    """The same. A pipeline sends one statement at a time: no text of a query ends the transaction that only reads.

    It names no statement: one that is left in the session of a pooler would be in the way of the next query.
    """
    import psycopg  # noqa: PLC0415 - an optional package
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    only = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with only.begin():
        driver: Any = only.connection.dbapi_connection
        try:
            with driver.cursor() as cursor:
                with driver.pipeline():
                    cursor.execute(query)
                if cursor.description is None:
                    raise InvalidInputError("the query returns no rows: it is not a SELECT")
                return [column.name for column in cursor.description], cursor.fetchmany(MOST_ROWS + 1)
        except psycopg.Error as error:
            raise DBAPIError(query, None, error) from error


def _plain(value: object) -> object:
    """Return a value as JSON has it. Other types are their text: numbers of any size, ids, dates."""
    if value is None or isinstance(value, (bool, int, float, str, list, dict)):
        return value
    if isinstance(value, datetime):
        return rfc3339(utc(value))
    return str(value)
