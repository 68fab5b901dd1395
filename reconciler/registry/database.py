"""The database of a registry: its tables, transactions and errors, and the threads in which a run calls it."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from reconciler.daemon_threads import DaemonThreads
from reconciler.errors import MissingRegistryPackageError, RegistryError
from reconciler.registry import INSTALL
from reconciler.registry.null import NullRegistry
from reconciler.registry.reasons import REMEDIES, UNUSABLE
from reconciler.registry.table import HEAD, METADATA, TENANTS, TENANTS_SINCE, VERSIONS
from reconciler.secret import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

P = ParamSpec("P")
T = TypeVar("T")

INSERTS: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""The INSERT statements with ON CONFLICT."""
LOCKS: Final[Mapping[str, str]] = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "SELECT pg_advisory_xact_lock(6275312086)",
}
"""Of several programs that start at once, one creates or upgrades the tables, and the others wait for it."""
FAILURES: Final = (SQLAlchemyError, UnicodeDecodeError)
"""What a database fails with; the latter where the message of SQLite quotes a part of a damaged file."""
BEFORE_VERSIONS: Final = "0000"
"""The version of tables that do not state one."""
READS_AT_ONCE: Final = 5
WRITES_AT_ONCE: Final = 10
"""Concurrent calls in threads. The sum is the size of the connection pool (SQLAlchemy: 5, and 10 overflow)."""
_ROW: Final = TENANTS.c


class DatabaseRegistry(NullRegistry):
    """The rows of one fleet in a database. Every method raises RegistryError if the database fails."""

    keeps_rows = True

    def __init__(self, engine: sa.Engine, fleet: str) -> None:
        self._engine = engine
        self._fleet = fleet
        self._insert = INSERTS[engine.dialect.name]
        self._readers = DaemonThreads(READS_AT_ONCE)
        self._writers = ThreadPoolExecutor(WRITES_AT_ONCE, thread_name_prefix="registry-writes")

    async def write(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Makes a call that writes in a thread: a call that waits for a lock does not block the event loop.

        A call that has started runs to its end, even if its caller is cancelled.
        """
        return await _in(self._writers, partial(call, *args, **named))

    async def read(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """The same for a call that reads, in threads of its own: it does not queue behind blocked writes.

        No end of the process waits for it.
        """
        return await _in(self._readers, partial(call, *args, **named))

    def prepare(self) -> None:
        """Creates the tables that do not exist, and upgrades older ones in place."""
        if self._is_current():
            return
        with self._writing() as connection:
            connection.exec_driver_sql(LOCKS[connection.dialect.name])
            if {*METADATA.tables}.isdisjoint(sa.inspect(connection).get_table_names()):
                METADATA.create_all(connection)
                connection.execute(VERSIONS.insert().values(version_num=HEAD))
            elif _lacks_only_its_version(connection):
                METADATA.create_all(connection)
                connection.execute(VERSIONS.delete())
                connection.execute(VERSIONS.insert().values(version_num=HEAD))
            else:
                _upgrade(connection)

    newest: Final = HEAD
    """The version of the tables that this program makes."""

    def version(self) -> str | None:
        """The version of the tables; None if there are none. Writes nothing."""
        with self._reading() as connection:
            tables = sa.inspect(connection)
            if not tables.has_table(TENANTS.name):
                return None
            stated = tables.has_table(VERSIONS.name) and connection.scalar(sa.select(VERSIONS.c.version_num))
            return str(stated or BEFORE_VERSIONS)

    def only_reads(self) -> bool:
        """Whether the database, or the role, begins transactions that may only read. Writes nothing."""
        if self._engine.dialect.name == "sqlite":
            return False
        with self._reading() as connection:
            return str(connection.scalar(sa.text("SHOW transaction_read_only"))) == "on"

    def close(self) -> None:
        """Closes the database, without waiting for calls that still run in threads."""
        self._readers.shutdown(wait=False)
        self._writers.shutdown(wait=False)
        self._engine.dispose()

    def _of(self, tenant: str) -> tuple[sa.ColumnElement[bool], ...]:
        return _ROW.fleet == self._fleet, _ROW.tenant == tenant

    def _is_current(self) -> bool:
        """Whether the tables exist and have the newest version."""
        return self.version() == HEAD

    def _has_all_columns(self) -> bool:
        """Whether the table of tenants exists with all its columns."""
        return TENANTS_SINCE <= (self.version() or BEFORE_VERSIONS) <= HEAD

    def _exists(self, table: sa.Table) -> bool:
        with self._reading() as connection:
            return sa.inspect(connection).has_table(table.name)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except FAILURES as error:
            raise self._failed(error) from None

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except FAILURES as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> RegistryError:
        """An error with the driver's message, without the statement, its values, and any part of the address."""
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        return RegistryError(
            f"the registry cannot be used: {_text(error, self._engine)}", hint=REMEDIES.get(state, UNUSABLE)
        )


def _lacks_only_its_version(connection: sa.Connection) -> bool:
    """Whether the tables are the newest ones, and their version was lost: restored from a backup, or deleted.

    An upgrade would add columns that exist.
    """
    tables = sa.inspect(connection)
    if not tables.has_table(TENANTS.name):
        return False
    if tables.has_table(VERSIONS.name) and connection.scalar(sa.select(sa.func.max(VERSIONS.c.version_num))):
        return False
    there = [table for table in METADATA.sorted_tables if tables.has_table(table.name)]
    return all({*table.c.keys()} <= {one["name"] for one in tables.get_columns(table.name)} for table in there)


def _upgrade(connection: sa.Connection) -> None:
    try:
        from reconciler.registry.upgrade import upgrade  # noqa: PLC0415 - slow, and rarely needed
    except ImportError as error:
        raise MissingRegistryPackageError(f"a registry needs the package {error.name}", hint=INSTALL) from error
    upgrade(connection)


@contextmanager
def telling(engine: sa.Engine) -> Iterator[None]:
    """Raises RegistryError for an error of a query, with the driver's message and without the address."""
    try:
        yield
    except SQLAlchemyError as error:
        raise RegistryError(
            f"the tenants of the database cannot be read: {_text(error, engine)}",
            hint="try the query with its client",
        ) from None
    finally:
        engine.dispose()


def _text(error: Exception, engine: sa.Engine) -> str:
    """The first line of the driver's message, without any part of the address."""
    words = str(getattr(error, "orig", None) or error).strip().splitlines()
    return _without_address(words[0] if words else type(error).__name__, engine.url)


async def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _without_address(message: str, url: sa.URL) -> str:
    """Hides every part of the address, the longest first: each may be a misplaced password."""
    asked = [part for value in url.query.values() for part in ([value] if isinstance(value, str) else value)]
    parts = [part for part in (url.username, url.password, url.host, url.database, *asked) if part]
    for part in sorted(map(str, parts), key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", HIDDEN, message)
    return message.replace(str(url.password), HIDDEN) if url.password else message
