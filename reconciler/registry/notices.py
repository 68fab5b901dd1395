"""The notices that were sent, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from reconciler.model.notice import NoticeKey, Sent
from reconciler.registry.table import NOTICES

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

    from reconciler.model.notice import SentByKey

_ROW: Final = NOTICES.c


def read_sent(connection: sa.Connection, fleet: str, destination: str) -> dict[NoticeKey, Sent]:
    """The notices that were sent to a destination."""
    query = sa.select(NOTICES).where(*_of(fleet, destination)).order_by(*NOTICES.primary_key)
    rows = connection.execute(query)
    return {NoticeKey(row.topic, row.subject, row.what): Sent(row.level, row.since) for row in rows}


def write_sent(
    connection: sa.Connection,
    insert: sqlite.Insert | postgresql.Insert,
    same: dict[str, Any],
    before: SentByKey,
    after: SentByKey,
) -> None:
    """Writes the rows that differ. ``same`` are the columns that they share: fleet, destination, and when."""
    if gone := [_bound(key) for key in before if key not in after]:
        matches = (_ROW[name] == sa.bindparam(f"of_{name}") for name in NoticeKey._fields)
        connection.execute(sa.delete(NOTICES).where(*_of(same["fleet"], same["destination"]), *matches), gone)
    rows = [{**same, **key._asdict(), **sent._asdict()} for key, sent in after.items() if before.get(key) != sent]
    if rows:
        news = {name: insert.excluded[name] for name in (*Sent._fields, "told_at")}
        connection.execute(insert.on_conflict_do_update(index_elements=[*NOTICES.primary_key], set_=news), rows)


def _of(fleet: str, destination: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _ROW.fleet == fleet, _ROW.destination == destination


def _bound(key: NoticeKey) -> dict[str, str]:
    return {f"of_{name}": value for name, value in key._asdict().items()}
