"""The registry in a database: a row per tenant, claimed before its project is created and filled afterwards.

Each call is one transaction. It blocks for some milliseconds, or as long as another client holds a lock. So a run
makes its calls in threads, with ``write`` and ``read``.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from reconciler.errors import RegistryError
from reconciler.live.registered import Registered
from reconciler.registry import leases
from reconciler.registry.null import NullRegistry
from reconciler.registry.table import LEASES, REVISIONS, TENANTS
from reconciler.secret import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.live.registered import Lease, Placement

P = ParamSpec("P")
T = TypeVar("T")

INSERTS: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""The INSERT statements with ON CONFLICT."""
ROWS_AT_ONCE: Final = 500
READS_AT_ONCE: Final = 5
WRITES_AT_ONCE: Final = 10
"""Concurrent calls in threads. The sum is the size of the connection pool (SQLAlchemy: 5, and 10 overflow)."""
TRIES: Final = 5
"""Attempts to claim: another run may release the row that prevents a claim before it is read."""
_ROW: Final = TENANTS.c


class Registry(NullRegistry):
    """The rows of one fleet. Every method raises RegistryError if the database fails.

    It has no clock: ``at`` comes from the clock with which the caller computes the age of claims.
    """

    keeps_rows = True

    def __init__(self, engine: sa.Engine, fleet: str) -> None:
        self._engine = engine
        self._fleet = fleet
        self._insert = INSERTS[engine.dialect.name]
        self._readers = ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="registry-reads")
        self._writers = ThreadPoolExecutor(WRITES_AT_ONCE, thread_name_prefix="registry-writes")

    async def write(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Makes a call that writes in a thread: a call that waits for a lock does not block the event loop.

        A call that has started runs to its end, even if its caller is cancelled.
        """
        return await _in(self._writers, partial(call, *args, **named))

    async def read(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """The same for a call that reads, in threads of its own: it does not queue behind blocked writes."""
        return await _in(self._readers, partial(call, *args, **named))

    def prepare(self) -> None:
        """Creates the tables that do not exist."""
        for table in (TENANTS, REVISIONS, LEASES):
            if self._exists(table):
                continue
            try:
                with self._engine.begin() as connection:
                    connection.execute(CreateTable(table, if_not_exists=True))
            except SQLAlchemyError as error:
                if not self._exists(table):  # PostgreSQL: of two concurrent statements, one may fail
                    raise self._failed(error) from None

    def rows(self, tenants: Collection[str] | None = None) -> dict[str, Registered]:
        """All rows, or those of a few tenants, sorted by tenant. Writes nothing and creates no table."""
        if not self._exists(TENANTS):
            return {}
        query = sa.select(TENANTS).where(_ROW.fleet == self._fleet).order_by(_ROW.tenant)
        if tenants is not None:
            query = query.where(_ROW.tenant.in_(tenants))
        with self._reading() as connection:
            return {row.tenant: _registered(row) for row in connection.execute(query)}

    def claim(self, tenant: str, run: str, at: datetime) -> Registered | None:
        """Claims a tenant that the run is about to create. Returns None, or the existing row."""
        row = {"fleet": self._fleet, "tenant": tenant, "claimed_by": run, "claimed_at": at, "updated_at": at}
        for _ in range(TRIES):
            with self._writing() as connection:
                claim = self._insert(TENANTS).values(row).on_conflict_do_nothing().returning(_ROW.tenant)
                if connection.execute(claim).first() is not None:
                    return None
                found = connection.execute(sa.select(TENANTS).where(*self._of(tenant))).one_or_none()
            if found is not None:
                return _registered(found)
        raise RegistryError(f"tenant {tenant!r} could not be claimed: other runs keep claiming and releasing it")

    def take_over(self, tenant: str, lapsed: Registered, run: str, at: datetime) -> bool:
        """Takes over a lapsed claim. Returns False if the row has changed since it was read."""
        taken = sa.update(TENANTS).where(*self._as(tenant, lapsed))
        with self._writing() as connection:
            values = taken.values(claimed_by=run, claimed_at=at, updated_at=at)
            return connection.execute(values).rowcount == 1

    def release(self, tenant: str, run: str) -> None:
        """Deletes a claim of this run without a project."""
        mine = (_ROW.claimed_by == run, _ROW.project_id.is_(None))
        with self._writing() as connection:
            connection.execute(sa.delete(TENANTS).where(*self._of(tenant), *mine))

    def place(self, placement: Placement, run: str, at: datetime) -> None:
        """Records the project of a tenant and its organization, after it was created or moved.

        Raises RegistryError if the row names another project.
        """
        unclear = sa.or_(_ROW.project_id.is_(None), _ROW.project_id == placement.project_id)
        placing = self._adding(placement, run, at).on_conflict_do_update(
            index_elements=[_ROW.fleet, _ROW.tenant], set_=_where(placement, at), where=unclear
        )
        with self._writing() as connection:
            if connection.execute(placing.returning(_ROW.tenant)).first() is not None:
                return
        raise RegistryError(
            f"the registry has another project for tenant {placement.tenant!r} than {placement.project_id}",
            hint="run again: the next run checks which project belongs to the tenant",
        )

    def correct(
        self, placements: Sequence[Placement], seen: Mapping[str, Registered], run: str, at: datetime
    ) -> list[str]:
        """Corrects rows that have not changed since they were ``seen``.

        Returns the tenants whose row was changed, added or deleted since then: their rows stay as they are.
        """
        changed_since = []
        for start in range(0, len(placements), ROWS_AT_ONCE):
            with self._writing() as connection:
                for placement in placements[start : start + ROWS_AT_ONCE]:
                    correction = self._correction(placement, seen.get(placement.tenant), run, at)
                    if connection.execute(correction.returning(_ROW.tenant)).first() is None:
                        changed_since.append(placement.tenant)
        return changed_since

    def rename(self, tenant: str, present: str, seen: Registered) -> None:
        """Renames a tenant's row to its present name, unless either row has changed since it was ``seen``.

        Deletes the row if the present name already has a row for the same project.
        """
        both = sa.select(TENANTS).where(*self._of(present))
        with self._writing() as connection:
            other = connection.execute(both).one_or_none()
            if other is None:
                connection.execute(sa.update(TENANTS).where(*self._as(tenant, seen)).values(tenant=present))
            elif other.project_id == seen.project_id:
                connection.execute(sa.delete(TENANTS).where(*self._as(tenant, seen)))

    def forget(self, tenant: str, project_id: str) -> None:
        """Deletes the row of a deleted project, unless the row now names another project."""
        with self._writing() as connection:
            connection.execute(sa.delete(TENANTS).where(*self._of(tenant), _ROW.project_id == project_id))

    def drop(self, tenant: str, seen: Registered) -> bool:
        """Deletes a row without a live project. Returns False if it has changed since it was ``seen``."""
        with self._writing() as connection:
            return connection.execute(sa.delete(TENANTS).where(*self._as(tenant, seen))).rowcount == 1

    def revisions(self, tenants: Collection[str] | None = None) -> dict[str, int]:
        """The last accepted revision of each tenant, or of each of a few tenants."""
        if not self._exists(REVISIONS):
            return {}
        with self._reading() as connection:
            return self._revisions(connection, tenants)

    def accept(self, revisions: Mapping[str, int], run: str, at: datetime) -> dict[str, int]:
        """Records the revisions that a run is about to apply. A recorded revision never decreases.

        Returns the tenants whose recorded revision is newer, with that revision: the run skips them.
        """
        newer = {}
        tenants = sorted(revisions)  # in one order, to avoid a deadlock between two runs
        for start in range(0, len(tenants), ROWS_AT_ONCE):
            part = tenants[start : start + ROWS_AT_ONCE]
            rows = [{"tenant": tenant, "revision": revisions[tenant]} for tenant in part]
            stamp = {"fleet": self._fleet, "accepted_by": run, "accepted_at": at}
            with self._writing() as connection:
                connection.execute(self._raising(), [{**row, **stamp} for row in rows])
                found = self._revisions(connection, part)
            newer.update({tenant: found[tenant] for tenant in part if found[tenant] > revisions[tenant]})
        return newer

    def lease(self, part: str, run: str, at: datetime, *, lapsed_before: datetime) -> Lease:
        """Takes the lease on a part of the fleet. Returns it, or the lease of another run on an overlapping part.

        A lease that was last renewed at ``lapsed_before`` or earlier has lapsed: it prevents no other lease, and
        cannot be renewed once another run holds one.
        """
        with self._writing() as connection:
            return leases.take(connection, self._insert, self._fleet, part, run, at, lapsed_before=lapsed_before)

    def renew(self, lease: Lease, at: datetime) -> bool:
        """Renews a lease. Returns False if another run has taken it over."""
        with self._writing() as connection:
            return leases.renew(connection, self._fleet, lease, at)

    def let_go(self, lease: Lease) -> None:
        """Releases a lease, unless another run now holds it."""
        with self._writing() as connection:
            leases.let_go(connection, self._fleet, lease)

    def close(self) -> None:
        """Closes the database, without waiting for calls that still run in threads."""
        self._readers.shutdown(wait=False)
        self._writers.shutdown(wait=False)
        self._engine.dispose()

    def _correction(self, placement: Placement, seen: Registered | None, run: str, at: datetime) -> Any:
        if seen is None:
            return self._adding(placement, run, at).on_conflict_do_nothing()
        return sa.update(TENANTS).where(*self._as(placement.tenant, seen)).values(_where(placement, at))

    def _adding(self, placement: Placement, run: str, at: datetime) -> sqlite.Insert | postgresql.Insert:
        key = {"fleet": self._fleet, "tenant": placement.tenant}
        return self._insert(TENANTS).values(**key, **_where(placement, at), claimed_by=run, claimed_at=at)

    def _raising(self) -> Any:
        insert, last = self._insert(REVISIONS), REVISIONS.c
        news = {name: insert.excluded[name] for name in ("revision", "accepted_by", "accepted_at")}
        return insert.on_conflict_do_update(
            index_elements=[last.fleet, last.tenant], set_=news, where=last.revision < insert.excluded.revision
        )

    def _revisions(self, connection: sa.Connection, tenants: Collection[str] | None) -> dict[str, int]:
        query = sa.select(REVISIONS).where(REVISIONS.c.fleet == self._fleet).order_by(REVISIONS.c.tenant)
        if tenants is not None:
            query = query.where(REVISIONS.c.tenant.in_(tenants))
        return {row.tenant: row.revision for row in connection.execute(query)}

    def _of(self, tenant: str) -> tuple[sa.ColumnElement[bool], ...]:
        return _ROW.fleet == self._fleet, _ROW.tenant == tenant

    def _as(self, tenant: str, seen: Registered) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            *self._of(tenant),
            _ROW.project_id.is_not_distinct_from(seen.project_id),
            _ROW.organization.is_not_distinct_from(seen.organization),
            _ROW.claimed_by == seen.claimed_by,
            _ROW.claimed_at == seen.claimed_at,
        )

    def _exists(self, table: sa.Table) -> bool:
        with self._reading() as connection:
            return sa.inspect(connection).has_table(table.name)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    def _failed(self, error: SQLAlchemyError) -> RegistryError:
        """An error with the driver's message, without the statement, its values, and any part of the address."""
        words = str(getattr(error, "orig", None) or error).strip().splitlines()
        told = words[0] if words else type(error).__name__
        return RegistryError(
            f"the registry does not respond: {_without_address(told, self._engine.url)}",
            hint="no tenant is created without a claim: run again when the database responds",
        )


async def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _registered(row: sa.Row[Any]) -> Registered:
    return Registered(row.project_id, row.organization, row.claimed_by, row.claimed_at)


def _where(placement: Placement, at: datetime) -> dict[str, Any]:
    return {"project_id": placement.project_id, "organization": placement.organization, "updated_at": at}


def _without_address(told: str, url: sa.URL) -> str:
    """Hides every part of the address, the longest first: each may be a misplaced password."""
    asked = [part for value in url.query.values() for part in ([value] if isinstance(value, str) else value)]
    parts = [part for part in (url.username, url.password, url.host, url.database, *asked) if part]
    for part in sorted(map(str, parts), key=len, reverse=True):
        told = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", HIDDEN, told)
    return told.replace(str(url.password), HIDDEN) if url.password else told
