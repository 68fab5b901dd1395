"""The registry in a database: a row per tenant, claimed before its project is created and filled afterwards.

Each call is one transaction. It blocks for some milliseconds, or as long as another client holds a lock. So a run
makes its calls in threads, with ``write`` and ``read``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa

from reconciler.errors import RegistryError
from reconciler.live.registered import (
    NOTHING_KNOWN,
    KeptString,
    Lease,
    Record,
    Registered,
    RegisteredTenant,
    RowState,
    overlap,
)
from reconciler.model.api_limits import RECOVERABLE
from reconciler.registry.connection_strings import DUE, NO_STRINGS, StringRows
from reconciler.registry.notices import read_sent, write_sent
from reconciler.registry.table import CALLS, CLAIM, LEASES, NOTICES, RECORD, REVISIONS, STRINGS, TENANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy.dialects import postgresql, sqlite

    from reconciler.live.registered import Placement
    from reconciler.model.notice import NoticeKey, Sent, SentByKey

T = TypeVar("T")

ROWS_AT_ONCE: Final = 500
TRIES: Final = 5
"""Attempts to claim: another run may release the row that prevents a claim before it is read."""
_ROW: Final = TENANTS.c
_LEASE: Final = LEASES.c
_CALLS: Final = CALLS.c
NO_CALLS: Final = ""
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a lease was renewed that does not state it: it has lapsed."""
CLOCKS: Final = {
    "postgresql": "extract(epoch FROM clock_timestamp())::float8",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}
"""The database's time in seconds."""
CHANGING_CALLS: Final = sa.update(CALLS).where(_CALLS.account == sa.bindparam("of"))
"""With the account ``of``, and its new ``state``."""
COUNTER: Final = ""
"""The ``part`` of the row that counts the tokens of a fleet."""


class Registry(StringRows):
    """The rows of one fleet. Every method raises RegistryError if the database fails.

    It has no clock: ``at`` comes from the clock with which the caller computes the age of claims. Only the calls
    of an account go by the database's clock, because machines share them within seconds.
    """

    _keeps_calls = False

    def rows(self, tenants: Collection[str] | None = None) -> dict[str, Registered]:
        """All rows, or those of a few tenants, sorted by tenant. Writes nothing and creates no table."""
        if not self._exists(TENANTS):
            return {}
        complete = self._has_all_columns()
        columns = [_ROW[name] for name in ((*CLAIM, *RECORD, DUE) if complete else CLAIM)]
        query = sa.select(*columns).where(_ROW.fleet == self._fleet).order_by(_ROW.tenant)
        if complete:
            query = query.where(_ROW.state != RowState.DELETED)
        if tenants is not None:
            query = query.where(_ROW.tenant.in_(tenants))
        with self._reading() as connection:
            return {row.tenant: _registered(row) for row in connection.execute(query)}

    def tenants(self) -> list[RegisteredTenant]:
        """All rows, also those of deleted projects, sorted by tenant, each with the last accepted revision."""
        if not self._has_all_columns():
            return []
        revision = REVISIONS.c
        both = TENANTS.outerjoin(REVISIONS, sa.and_(revision.fleet == _ROW.fleet, revision.tenant == _ROW.tenant))
        query = sa.select(TENANTS, revision.revision).select_from(both).where(_ROW.fleet == self._fleet)
        with self._reading() as connection:
            found = connection.execute(query.order_by(_ROW.tenant))
            return [_registered_tenant(row) for row in found]

    def claim(self, tenant: str, run: str, at: datetime) -> Registered | None:
        """Claims a tenant that the run is about to create. Returns None, or the existing row."""
        row = {"fleet": self._fleet, "tenant": tenant, "claimed_by": run, "claimed_at": at, "updated_at": at}
        row |= {"state": RowState.SETTING_UP, **NO_STRINGS, DUE: at if self.keeps_strings else None}
        for _ in range(TRIES):
            with self._writing() as connection:
                claim = (
                    self._insert(TENANTS)
                    .values(row)
                    .on_conflict_do_update(
                        index_elements=[_ROW.fleet, _ROW.tenant],
                        set_={
                            **dict.fromkeys(("project_id", "organization", *RECORD, "recoverable_until")),
                            **row,
                        },
                        where=_ROW.state == RowState.DELETED,
                    )
                )
                if connection.execute(claim.returning(_ROW.tenant)).first() is not None:
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
        unclear = sa.or_(
            _ROW.project_id.is_(None), _ROW.project_id == placement.project_id, _ROW.state == RowState.DELETED
        )
        placing = self._adding(placement, run, at).on_conflict_do_update(
            index_elements=[_ROW.fleet, _ROW.tenant], set_=self._where(placement, at), where=unclear
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
            if other is not None and other.state == RowState.DELETED:
                connection.execute(sa.delete(TENANTS).where(*self._of(present)))
                other = None
            if other is None:
                connection.execute(sa.update(TENANTS).where(*self._as(tenant, seen)).values(tenant=present))
            elif other.project_id == seen.project_id:
                connection.execute(sa.delete(TENANTS).where(*self._as(tenant, seen)))

    def describe(self, tenant: str, project_id: str, record: Record, at: datetime) -> None:
        """Records what is known of a project, unless the row now names another one."""
        changed = sa.update(TENANTS).where(*self._of(tenant), _ROW.project_id == project_id)
        with self._writing() as connection:
            connection.execute(changed.values(**record.known, updated_at=at))

    def forget(self, tenant: str, project_id: str, at: datetime) -> None:
        """Marks the row of a deleted project with the end of its recovery, unless the row names another project.

        Nothing but ``tenants`` returns it from then on, and a claim replaces it.
        """
        changed = sa.update(TENANTS).where(*self._of(tenant), _ROW.project_id == project_id)
        deleted = {"state": RowState.DELETED, "recoverable_until": at + RECOVERABLE, "updated_at": at}
        with self._writing() as connection:
            connection.execute(changed.values(**deleted, **NO_STRINGS))

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
        cannot be renewed once another run holds one. The first statement updates the row that counts the tokens.
        It locks the row (PostgreSQL) or the file (SQLite), so runs that take leases at the same time do so one
        after the other.
        """
        key = [_LEASE.fleet, _LEASE.part]
        counting = self._insert(LEASES).values(fleet=self._fleet, part=COUNTER, token=1)
        counted = counting.on_conflict_do_update(index_elements=key, set_={"token": _LEASE.token + 1})
        with self._writing() as connection:
            token = connection.execute(counted.returning(_LEASE.token)).scalar_one()
            others = [lease for lease in self._leases(connection) if overlap(lease.part, part)]
            if living := [lease for lease in others if lease.run != run and lease.renewed_at > lapsed_before]:
                return living[0]
            for earlier in others:
                connection.execute(self._held(earlier).values(held_by=None))
            mine = {"token": token, "held_by": run, "since": at, "renewed_at": at}
            held = self._insert(LEASES).values(fleet=self._fleet, part=part, **mine)
            connection.execute(held.on_conflict_do_update(index_elements=key, set_=mine))
        return Lease(part, run, token, at, at)

    def leases(self) -> list[Lease]:
        """The leases that runs hold, whether or not they have lapsed. Writes nothing."""
        with self._reading() as connection:
            return self._leases(connection)

    def renew(self, lease: Lease, at: datetime) -> bool:
        """Renews a lease. Returns False if another run has taken it over."""
        with self._writing() as connection:
            return connection.execute(self._held(lease).values(renewed_at=at)).rowcount == 1

    def release_lease(self, lease: Lease) -> None:
        """Releases a lease, unless another run now holds it."""
        with self._writing() as connection:
            connection.execute(self._held(lease).values(held_by=None))

    def sent_notices(self, destination: str) -> dict[NoticeKey, Sent]:
        """The notices that were sent to the destination and still last."""
        if not self._exists(NOTICES):
            return {}
        with self._reading() as connection:
            return read_sent(connection, self._fleet, destination)

    def record_sent(self, destination: str, before: SentByKey, after: SentByKey, at: datetime) -> None:
        """Records the notices that were sent to the destination, where they were ``before``."""
        same = {"fleet": self._fleet, "destination": destination, "told_at": at}
        with self._writing() as connection:
            write_sent(connection, self._insert(NOTICES), same, before, after)

    def change_calls(self, account: str, change: Callable[[str | None, float], tuple[str, T]]) -> T | None:
        """Replaces what runs on an account may start, by what ``change`` makes of it and of the database's time.

        The first statement locks the row (PostgreSQL) or the file (SQLite), and then reads the time. Returns None
        where there is no table yet, and the result of ``change`` elsewhere.
        """
        self._keeps_calls = self._keeps_calls or self._exists(CALLS)
        if not self._keeps_calls:
            return None
        with self._writing() as connection:
            row = connection.execute(self._locking_calls, {"account": account, "state": NO_CALLS}).one()
            state, result = change(row.state or None, row.now)
            connection.execute(CHANGING_CALLS, {"of": account, "state": state})
        return result

    @cached_property
    def _locking_calls(self) -> Any:
        """Made once, because a run executes it every few calls."""
        clock = sa.literal_column(CLOCKS[self._engine.dialect.name], sa.Float)
        locking = self._insert(CALLS).on_conflict_do_update(
            index_elements=[_CALLS.account], set_={"state": _CALLS.state}
        )
        return locking.returning(_CALLS.state, clock.label("now"))

    def _correction(self, placement: Placement, seen: Registered | None, run: str, at: datetime) -> Any:
        if seen is None:
            adding = self._adding(placement, run, at)
            return adding.on_conflict_do_update(
                index_elements=[_ROW.fleet, _ROW.tenant],
                set_={**NO_STRINGS, **self._where(placement, at), "claimed_by": run, "claimed_at": at},
                where=_ROW.state == RowState.DELETED,
            )
        another = seen.project_id not in (None, placement.project_id)
        values = {**(NO_STRINGS if another else {}), **self._where(placement, at)}
        return sa.update(TENANTS).where(*self._as(placement.tenant, seen)).values(values)

    def _adding(self, placement: Placement, run: str, at: datetime) -> sqlite.Insert | postgresql.Insert:
        key = {"fleet": self._fleet, "tenant": placement.tenant}
        return self._insert(TENANTS).values(**key, **self._where(placement, at), claimed_by=run, claimed_at=at)

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

    def _where(self, placement: Placement, at: datetime) -> dict[str, Any]:
        place = {"project_id": placement.project_id, "organization": placement.organization, "updated_at": at}
        strings = {} if placement.strings is None else self._encrypted(placement.strings)
        living = {"state": RowState.READY, "recoverable_until": None}
        return {**place, **living, **placement.record.known, **strings}

    def _as(self, tenant: str, seen: Registered) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            *self._of(tenant),
            _ROW.project_id.is_not_distinct_from(seen.project_id),
            _ROW.organization.is_not_distinct_from(seen.organization),
            _ROW.claimed_by == seen.claimed_by,
            _ROW.claimed_at == seen.claimed_at,
            _ROW.state != RowState.DELETED,
        )

    def _held(self, lease: Lease) -> sa.Update:
        """A change of the lease, if it has not been taken over or released."""
        same = (_LEASE.fleet == self._fleet, _LEASE.part == lease.part, _LEASE.token == lease.token)
        return sa.update(LEASES).where(*same, _LEASE.held_by.is_not(None))

    def _leases(self, connection: sa.Connection) -> list[Lease]:
        mine = (_LEASE.fleet == self._fleet, _LEASE.held_by.is_not(None))
        rows = connection.execute(sa.select(LEASES).where(*mine).order_by(_LEASE.part))
        return [_lease(row) for row in rows]


def _lease(row: sa.Row[Any]) -> Lease:
    return Lease(row.part, row.held_by, row.token, row.since or LONG_AGO, row.renewed_at or LONG_AGO)


def _registered(row: sa.Row[Any]) -> Registered:
    columns = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    known = {name: columns[name] for name in RECORD if name in columns}
    record = Record(**known) if known else NOTHING_KNOWN
    due = columns.get(DUE)
    return Registered(row.project_id, row.organization, row.claimed_by, row.claimed_at, record, due)


def _registered_tenant(row: sa.Row[Any]) -> RegisteredTenant:
    columns = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    columns.pop("fleet")
    pooled, direct, due = (columns.pop(name) for name in STRINGS)
    found = KeptString.DUE if due else KeptString.KEPT if pooled and direct else None
    return RegisteredTenant(**{**columns, "connection_string": found})
