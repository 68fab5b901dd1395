"""The SQL statements of leases. Each runs in the transaction of its caller.

To take a lease, the first statement updates the row that counts the tokens. It locks the row (PostgreSQL) or the
file (SQLite), so runs that take leases at the same time do so one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from reconciler.live.registered import Lease, overlap
from reconciler.registry.table import LEASES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.dialects import postgresql, sqlite

COUNTER: Final = ""
"""The ``part`` of the row that counts the tokens of a fleet."""
_ROW: Final = LEASES.c


def take(
    connection: sa.Connection,
    insert: Callable[[sa.Table], sqlite.Insert | postgresql.Insert],
    fleet: str,
    part: str,
    run: str,
    at: datetime,
    *,
    lapsed_before: datetime,
) -> Lease:
    """Takes the lease. Returns it, or the lease of another run on an overlapping part."""
    key = [_ROW.fleet, _ROW.part]
    counting = insert(LEASES).values(fleet=fleet, part=COUNTER, token=1)
    counted = counting.on_conflict_do_update(index_elements=key, set_={"token": _ROW.token + 1})
    token = connection.execute(counted.returning(_ROW.token)).scalar_one()
    others = [lease for lease in _held(connection, fleet) if overlap(lease.part, part)]
    if living := [lease for lease in others if lease.run != run and lease.renewed_at > lapsed_before]:
        return living[0]
    for earlier in others:
        let_go(connection, fleet, earlier)
    mine = {"token": token, "held_by": run, "since": at, "renewed_at": at}
    held = insert(LEASES).values(fleet=fleet, part=part, **mine)
    connection.execute(held.on_conflict_do_update(index_elements=key, set_=mine))
    return Lease(part, run, token, at, at)


def renew(connection: sa.Connection, fleet: str, lease: Lease, at: datetime) -> bool:
    """Returns False if the run no longer holds the lease."""
    return connection.execute(_one(fleet, lease).values(renewed_at=at)).rowcount == 1


def let_go(connection: sa.Connection, fleet: str, lease: Lease) -> None:
    """Releases the lease: no run holds it afterwards."""
    connection.execute(_one(fleet, lease).values(held_by=None))


def _one(fleet: str, lease: Lease) -> sa.Update:
    same = (_ROW.fleet == fleet, _ROW.part == lease.part, _ROW.token == lease.token, _ROW.held_by.is_not(None))
    return sa.update(LEASES).where(*same)


def _held(connection: sa.Connection, fleet: str) -> list[Lease]:
    query = sa.select(LEASES).where(_ROW.fleet == fleet, _ROW.held_by.is_not(None)).order_by(_ROW.part)
    return [
        Lease(row.part, row.held_by, row.token, row.since, row.renewed_at) for row in connection.execute(query)
    ]
