"""The rows of a simulated account: what somebody changes in Neon's console, and what no call of the API shows.

    stored = Stored.of(account.simulator)
    stored.change("projects", stored.project("myapp-acme")["id"], {"settings.quota.data_transfer_bytes": 7})

The only place outside of the simulator that knows its tables.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from reconciler.simulator import Simulator, branches, endpoints, roles_and_databases, snapshots
from reconciler.simulator.keys import Key, KeyKind, give
from reconciler.simulator.metering import meters
from reconciler.simulator.store import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

Row: TypeAlias = "dict[str, Any]"
"""By column; ``body`` is decoded."""


class Stored:
    """The rows of one account, read and changed past the API. Time stands still meanwhile."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Simulator]]) -> None:
        self._opened = opened

    @classmethod
    def of(cls, simulator: Simulator) -> Stored:
        """Those of an open account."""
        return cls(lambda: nullcontext(simulator))

    @classmethod
    def at(cls, path: Path) -> Stored:
        """Those of a file, which is opened for each question and each change."""
        return cls(lambda: _opened(path))

    @property
    def now(self) -> float:
        """The latest time of the account, in seconds since 1970."""
        with self._opened() as simulator:
            return simulator.clock.now()

    def rows(self, table: str, *, deleted: bool = False, **columns: object) -> list[Row]:
        """The live rows with these values, by id; with ``deleted``, also those that were deleted."""
        conditions = " AND ".join(f"{name} = ?" for name in columns) or "TRUE"
        with self._opened() as simulator:
            found = simulator.world.store.rows(
                f"SELECT * FROM {table} WHERE {conditions} ORDER BY 1",  # noqa: S608 - names of tables and columns
                *columns.values(),
            )
        rows = [_decoded(dict(row)) for row in found]
        return [row for row in rows if deleted or row.get("deleted_at") is None]

    def row(self, table: str, *, deleted: bool = False, **columns: object) -> Row:
        """The only such row. Raises ValueError where there is another number of them."""
        (found,) = self.rows(table, deleted=deleted, **columns)
        return found

    def change(
        self,
        table: str,
        key: str | Mapping[str, object],
        body: Mapping[str, object] | None = None,
        **columns: object,
    ) -> None:
        """Give the rows with that id, or with these values, other columns, and other members of their body.

        ``body`` has values by path, like ``settings.quota.data_transfer_bytes``. Raises AssertionError where there
        is no such row.
        """
        where = {"id": key} if isinstance(key, str) else key
        rows = self.rows(table, deleted=True, **where)
        assert rows, (table, key)
        for row in rows:
            changed = dict(columns)
            if body is not None:
                changed["body"] = encoded(_with(row["body"], body))
            self._write(table, where, changed)

    def remove(self, table: str, **columns: object) -> None:
        """Take the rows with these values away, as if they had never been. Raises AssertionError without any."""
        assert self.rows(table, deleted=True, **columns), (table, columns)
        conditions = " AND ".join(f"{name} = ?" for name in columns)
        with self._opened() as simulator, simulator.world.writing() as transaction:
            transaction.execute(f"DELETE FROM {table} WHERE {conditions}", *columns.values())  # noqa: S608

    def replace(self, table: str, column: str, old: str, new: str) -> None:
        """Replace a text wherever it stands in that column. Raises AssertionError where it stands nowhere."""
        statement = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"  # noqa: S608
        with self._opened() as simulator, simulator.world.writing() as transaction:
            found = transaction.rows(f"SELECT 1 FROM {table} WHERE instr({column}, ?)", old)  # noqa: S608
            assert found, (table, column, old)
            transaction.execute(statement, old, new)

    def projects(self) -> dict[str, Row]:
        """The live projects by name. Raises AssertionError where two have the same."""
        rows = self.rows("projects")
        named = {row["name"]: row for row in rows}
        assert len(named) == len(rows), [row["name"] for row in rows]
        return named

    def project(self, name: str) -> Row:
        """The live project of that name. Raises KeyError."""
        return self.projects()[name]

    def project_ids(self) -> dict[str, str]:
        """The ids of the live projects by name."""
        return {name: row["id"] for name, row in self.projects().items()}

    def organizations(self) -> dict[str, str]:
        """The names of the organizations of the live projects, by the name of the project."""
        names = {row["id"]: row["name"] for row in self.rows("organizations")}
        return {name: names[row["org_id"]] for name, row in self.projects().items()}

    def move(self, project: str, organization: str) -> None:
        """Move the project of that name to the organization of that name, whatever that one allows."""
        org_id = self.row("organizations", name=organization)["id"]
        self.change("projects", self.project(project)["id"], {"org_id": org_id}, org_id=org_id)

    def delete_project(self, name: str, moment: float | None = None) -> None:
        """The project of that name was deleted now, or at that moment in seconds since 1970."""
        self.change("projects", self.project(name)["id"], deleted_at=self.now if moment is None else moment)

    def branches(self, project_id: str) -> dict[str, Row]:
        """The branches of the project that have neither been deleted nor expired, by name."""
        with self._opened() as simulator:
            found = branches.branches(simulator.world.store, project_id, simulator.clock.now())
            return {row["name"]: _decoded(dict(row)) for row in found}

    def count_snapshots(self, project_id: str) -> int:
        """How many snapshots of the project count against the limit of its organization."""
        with self._opened() as simulator:
            return snapshots.count_manual(simulator.world.store, project_id, simulator.clock.now())

    def settle(self) -> None:
        """Write all of it into the file itself, so that a copy of that file is the whole account."""
        with self._opened() as simulator:
            simulator.world.store.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def rename_project(self, project_id: str, name: str) -> None:
        """Give the project of that id another name."""
        self.change("projects", project_id, {"name": name}, name=name, searched=name.lower())

    def connect(self, project_id: str) -> None:
        """A user connects to every compute of the project, and leaves: they run until their timeout has passed."""
        with self._opened() as simulator, simulator.world.writing() as transaction:
            meters.update(transaction, project_id)
            for row in endpoints.endpoints_of_project(transaction, project_id):
                until = transaction.now + endpoints.idle_after(msgspec.json.decode(row["body"]))
                endpoints.keep_running(transaction, row, until)

    def resize_branch(self, branch_id: str, size_bytes: int) -> None:
        """Let a branch hold that much."""
        with self._opened() as simulator, simulator.world.writing() as transaction:
            found = transaction.row("SELECT * FROM branches WHERE id = ?", branch_id)
            assert found is not None
            branches.resize(transaction, found, size_bytes)

    def snapshots(self) -> list[Row]:
        """Every snapshot as the API would show it, automatic ones included."""
        with self._opened() as simulator:
            store, now = simulator.world.store, simulator.clock.now()
            projects = self.rows("projects")
            found = [taken for each in projects for taken in snapshots.snapshots(store, each["id"], now)]
            return [snapshots.describe_snapshot(taken, now) for taken in found]

    def delete_snapshots(self) -> None:
        """Delete every snapshot."""
        with self._opened() as simulator, simulator.world.writing() as transaction:
            for row in transaction.rows("SELECT * FROM snapshots"):
                snapshots.remove_snapshot(transaction, row)

    def fill_branch(self, branch_id: str, count: int) -> None:
        """Make so many roles and databases: ``role0``, ``database0`` and so on."""
        with self._opened() as simulator, simulator.world.writing() as transaction:
            for number in range(count):
                roles_and_databases.store_role(transaction, branch_id, f"role{number}")
                roles_and_databases.store_database(transaction, branch_id, f"database{number}", "neondb_owner")

    def give_key(self, token: str, org_id: str | None = None) -> None:
        """Let a text open the organization of that id, or without one everything, as a person's key does."""
        key = Key(KeyKind.PERSONAL) if org_id is None else Key(KeyKind.ORGANIZATION, org_id)
        with self._opened() as simulator, simulator.world.writing() as transaction:
            give(transaction, token, key, "marked")

    def _write(self, table: str, where: Mapping[str, object], columns: Mapping[str, object]) -> None:
        settings = ", ".join(f"{name} = ?" for name in columns)
        conditions = " AND ".join(f"{name} = ?" for name in where)
        with self._opened() as simulator, simulator.world.writing() as transaction:
            transaction.execute(
                f"UPDATE {table} SET {settings} WHERE {conditions}",  # noqa: S608 - names of tables and columns
                *columns.values(),
                *where.values(),
            )


@contextmanager
def _opened(path: Path) -> Iterator[Simulator]:
    with Simulator.open(path, clock_source=lambda: 0.0) as simulator:
        yield simulator


def _decoded(row: Row) -> Row:
    return row | {"body": msgspec.json.decode(row["body"])} if "body" in row else row


def _with(body: Row, changes: Mapping[str, object]) -> Row:
    for path, value in changes.items():
        *parents, last = path.split(".")
        member = body
        for parent in parents:
            member = member.setdefault(parent, {})
        member[last] = value
    return body
