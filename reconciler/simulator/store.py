"""The simulated Neon's memory: one SQLite file, shared by every process that opens it.

Rows hold the JSON as it is answered, beside the columns that are searched or that a state is
computed from. Reading commits nothing, except when a key was last used; each write is one transaction that
also moves the clock.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from functools import cache, lru_cache
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.simulator.data import NoData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.simulator.data import Data

IN_MEMORY: Final = ":memory:"
BUSY_TIMEOUT_SECONDS: Final = 30.0
CACHE_KIB: Final = 65_536
"""Enough for a fleet of 30,000 to be written in one transaction."""

VERSION: Final = 5
"""Of the tables."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY CHECK (id = 1), latest REAL NOT NULL, number INTEGER NOT NULL, behaviour TEXT);
INSERT OR IGNORE INTO state VALUES (1, 0, 0, NULL);
CREATE TABLE IF NOT EXISTS organizations (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, live_projects INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, org_id TEXT,
    project_id TEXT, name TEXT NOT NULL, fixed INTEGER NOT NULL, created_at REAL NOT NULL,
    last_used_at REAL, last_used_from TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS projects (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL, name TEXT NOT NULL, searched TEXT NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL, deleted_at REAL, body TEXT NOT NULL, integrations TEXT,
    usage TEXT NOT NULL, metered_at REAL NOT NULL, workload TEXT, runs_until REAL NOT NULL DEFAULT 0,
    seen_from REAL);
CREATE INDEX IF NOT EXISTS projects_live ON projects (org_id, id, created_at, searched) WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS projects_changed ON projects (org_id, changed_at, id);
CREATE INDEX IF NOT EXISTS projects_deleted ON projects (org_id, id) WHERE deleted_at IS NOT NULL;
CREATE TRIGGER IF NOT EXISTS project_made AFTER INSERT ON projects WHEN new.deleted_at IS NULL BEGIN
    UPDATE organizations SET live_projects = live_projects + 1 WHERE id = new.org_id; END;
CREATE TRIGGER IF NOT EXISTS project_moved AFTER UPDATE OF org_id, deleted_at ON projects BEGIN
    UPDATE organizations SET live_projects = live_projects - 1
        WHERE id = old.org_id AND old.deleted_at IS NULL;
    UPDATE organizations SET live_projects = live_projects + 1
        WHERE id = new.org_id AND new.deleted_at IS NULL;
    END;
CREATE VIRTUAL TABLE IF NOT EXISTS project_names USING fts5 (
    searched, content = 'projects', content_rowid = 'rowid', tokenize = 'trigram');
CREATE TRIGGER IF NOT EXISTS project_named AFTER INSERT ON projects BEGIN
    INSERT INTO project_names (rowid, searched) VALUES (new.rowid, new.searched); END;
CREATE TRIGGER IF NOT EXISTS project_renamed AFTER UPDATE OF searched ON projects
    WHEN old.searched <> new.searched BEGIN
    INSERT INTO project_names (project_names, rowid, searched) VALUES ('delete', old.rowid, old.searched);
    INSERT INTO project_names (rowid, searched) VALUES (new.rowid, new.searched); END;
CREATE TABLE IF NOT EXISTS branches (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, parent_id TEXT, name TEXT NOT NULL, is_default INTEGER NOT NULL,
    protected INTEGER NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL, expires_at REAL,
    deleted_at REAL, body TEXT NOT NULL, annotations TEXT);
CREATE INDEX IF NOT EXISTS branches_of_project ON branches (project_id);
CREATE TABLE IF NOT EXISTS endpoints (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, branch_id TEXT NOT NULL, type TEXT NOT NULL,
    ready_at REAL NOT NULL, active_until REAL NOT NULL, deleted_at REAL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS endpoints_live ON endpoints (project_id, branch_id) WHERE deleted_at IS NULL;
CREATE TABLE IF NOT EXISTS roles (
    branch_id TEXT NOT NULL, name TEXT NOT NULL, password TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (branch_id, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS databases (
    branch_id TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (branch_id, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operations (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, project_id TEXT NOT NULL, created_at REAL NOT NULL,
    starts_at REAL NOT NULL, ends_at REAL, failed INTEGER NOT NULL, recovers_at REAL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS operations_of_project ON operations (project_id, number);
CREATE TABLE IF NOT EXISTS permissions (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, email TEXT NOT NULL, granted_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS permissions_of_project ON permissions (project_id);
CREATE TABLE IF NOT EXISTS snapshots (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, manual INTEGER NOT NULL, created_at REAL NOT NULL,
    expires_at REAL, size_bytes INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS snapshots_of_project ON snapshots (project_id);
CREATE TABLE IF NOT EXISTS consumed (
    project_id TEXT NOT NULL, branch_id TEXT NOT NULL, started_at REAL NOT NULL, ended_at REAL NOT NULL,
    active_time_seconds REAL NOT NULL, compute_time_seconds REAL NOT NULL, written_data_bytes REAL NOT NULL,
    data_transfer_bytes REAL NOT NULL);
CREATE INDEX IF NOT EXISTS consumed_by_project ON consumed (project_id, ended_at);
CREATE TABLE IF NOT EXISTS histories (branch_id TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS raised_windows (project_id TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deleted_snapshots (project_id TEXT NOT NULL, deleted_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS deleted_snapshots_of_project ON deleted_snapshots (project_id, deleted_at);
CREATE TABLE IF NOT EXISTS backup_schedules (
    branch_id TEXT PRIMARY KEY, project_id TEXT NOT NULL, since REAL NOT NULL, retention_seconds INTEGER,
    body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS backup_schedules_of_project ON backup_schedules (project_id);
CREATE TABLE IF NOT EXISTS timelines (owner_id TEXT PRIMARY KEY, timeline INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS steps_in_time (id INTEGER PRIMARY KEY, simulated REAL NOT NULL, machine REAL NOT NULL);
"""


class Reading:
    """Queries on one connection. Threads of one process take turns, so that none sees an unfinished write."""

    def __init__(self, connection: sqlite3.Connection, one_at_a_time: RLock) -> None:
        self._connection = connection
        self._one_at_a_time = one_at_a_time

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Every row that a query finds."""
        with self._one_at_a_time:
            return self._connection.execute(query, values).fetchall()

    def rows_named(self, query: str, **values: object) -> list[sqlite3.Row]:
        """Every row that a query with named places finds."""
        with self._one_at_a_time:
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row that a query finds."""
        with self._one_at_a_time:
            found: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
        return found

    def value(self, query: str, *values: object) -> Any:
        """The first column of the first row that a query finds; None if it finds none."""
        found = self.row(query, *values)
        return None if found is None else found[0]


class Transaction(Reading):
    """One write, which reads what it has written: its moment, and numbers that no other write gets."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        one_at_a_time: RLock,
        now: float,
        number: int,
        data: Data[Transaction],
    ) -> None:
        super().__init__(connection, one_at_a_time)
        self._number = number
        self.data = data
        """The rows of the branches."""
        self.now = now
        self.present = now
        """Also where something is written as if it were another moment."""

    @property
    def numbers_used(self) -> int:
        """The last number that was handed out in this file."""
        return self._number

    def number(self) -> int:
        """The next number, from 1."""
        self._number += 1
        return self._number

    @contextmanager
    def dated(self, moment: float | None) -> Iterator[None]:
        """Write as if it were another moment; None is the present one."""
        before = self.now
        self.now = before if moment is None else moment
        yield
        self.now = before

    def insert(self, table: str, **columns: object) -> None:
        """Add one row. Whatever SQLite has no type for is stored as JSON."""
        values = tuple(map(_column, columns.values()))
        self._connection.execute(_insertion(table, tuple(columns)), values)

    def update(self, table: str, row_id: str | int, **columns: object) -> None:
        """Change columns of the row with that id, as ``insert`` stores them."""
        assignments = ", ".join(f"{column} = :{column}" for column in columns)
        statement = f"UPDATE {table} SET {assignments} WHERE id = :row_id"  # noqa: S608
        values = {name: _column(value) for name, value in columns.items()}
        self._connection.execute(statement, {**values, "row_id": row_id})

    def execute(self, statement: str, *values: object) -> None:
        """Any other change."""
        self._connection.execute(statement, values)


def clear(transaction: Transaction) -> None:
    """Delete everything but the organizations and the keys that open them."""
    tables = transaction.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' "
        "AND name NOT IN ('state', 'organizations', 'keys') AND name NOT GLOB 'project_names*' "
        "AND name NOT GLOB 'sqlite_*'"
    )
    for table in tables:
        transaction.execute(f"DELETE FROM {table['name']}")  # noqa: S608 - a name of the schema
    transaction.execute("INSERT INTO project_names (project_names) VALUES ('rebuild')")
    transaction.execute("DELETE FROM keys WHERE project_id IS NOT NULL OR NOT fixed")
    transaction.execute("UPDATE keys SET last_used_at = NULL, last_used_from = ''")
    transaction.execute("UPDATE organizations SET live_projects = 0")


def encoded(value: object) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def decoded(text: str) -> Any:
    """The value of JSON text of the store."""
    return msgspec.json.decode(text)


def body_of(row: sqlite3.Row | Mapping[str, Any]) -> dict[str, Any]:
    """The document in a row."""
    body: dict[str, Any] = msgspec.json.decode(row["body"])
    return body


def _column(value: object) -> object:
    return value if value is None or isinstance(value, str | int | float) else encoded(value)


@lru_cache
def _insertion(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def create_tables(connection: sqlite3.Connection) -> None:
    """All at once: another process finds none of them, or all. Those that it has made meanwhile are kept."""
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")


@cache
def _empty() -> sqlite3.Connection:
    """A database with the tables alone. Copying its pages takes a tenth of the time of making tables."""
    connection = sqlite3.connect(IN_MEMORY, isolation_level=None, check_same_thread=False)
    create_tables(connection)
    return connection


class Store(Reading):
    """One open SQLite file, or a database in memory (``":memory:"``)."""

    def __init__(self, path: Path | str) -> None:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        super().__init__(connection, RLock())
        self.data: Data[Transaction] = NoData()
        """The rows of the branches."""
        self._alone = path == IN_MEMORY
        """Nobody else writes it."""
        self._state: tuple[float, str | None] | None = None
        """What was read last, where it still holds."""
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if self._alone:
            _empty().backup(self._connection)
        elif not self.value("SELECT count(*) FROM sqlite_master"):
            create_tables(self._connection)
        elif self.value("PRAGMA user_version") != VERSION:
            self._connection.close()
            raise sqlite3.DatabaseError("it was made by another version of the simulator; start with a new file")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Several reads and writes between which no other thread of this process writes."""
        with self._one_at_a_time:
            yield

    def latest(self) -> float:
        """The latest time that was written, in seconds since 1970."""
        return self._current()[0]

    def behaviour(self) -> str | None:
        """The switches, as JSON; None before they are kept."""
        return self._current()[1]

    def _current(self) -> tuple[float, str | None]:
        """Both are asked for several times by each request: what is in memory is read once after each write."""
        state = self._state
        if state is not None:
            return state
        with self._one_at_a_time:
            latest, behaviour = self.rows("SELECT latest, behaviour FROM state")[0]
            if self._alone and not self._connection.in_transaction:
                self._state = (latest, behaviour)
        return latest, behaviour

    def read_again(self) -> None:
        """Go by what it holds, however that has come into it."""
        self._state = None

    def reach(self, moment: float) -> None:
        """Let time be no earlier than that from now on."""
        with self._one_at_a_time:
            self._connection.execute("UPDATE state SET latest = max(latest, ?)", (moment,))
            self.read_again()
            self.data.end_connections()

    def extend(self, script: str, **functions: Callable[..., float]) -> None:
        """Run statements for this connection alone, which may use these functions."""
        for name, function in functions.items():
            self._connection.create_function(name, -1, function)
        self._connection.executescript(script)

    def behave(self, behaviour: str) -> None:
        """Keep the switches, as JSON."""
        with self._one_at_a_time:
            self._connection.execute("UPDATE state SET behaviour = ?", (behaviour,))
            self.read_again()

    @contextmanager
    def writing(self, not_before: Callable[[float], float]) -> Iterator[Transaction]:
        """One transaction: all of it is stored at its end, or nothing if it raises.

        ``not_before`` gives the time, which is no earlier than the one it is handed. Threads of one process take
        turns; processes wait for each other in SQLite.
        """
        with self._one_at_a_time:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                latest, number = self.rows("SELECT latest, number FROM state")[0]
                now = not_before(latest)
                transaction = Transaction(self._connection, self._one_at_a_time, now, number, self.data)
                yield transaction
                moment = (transaction.now, transaction.numbers_used)
                self._connection.execute("UPDATE state SET latest = ?, number = ?", moment)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            self.read_again()
            self.data.end_connections()
