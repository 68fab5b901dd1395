"""A connection as programs with libpq read it: from the environment, so that no password is on a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from reconciler.neon.connection import Connection


def libpq(connection: Connection, *, direct: bool) -> dict[str, str]:
    """What psql, pg_dump and other programs with libpq read without arguments (PostgreSQL: libpq-envars)."""
    parts = urlsplit(connection.uri(direct=direct).reveal())
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port or 5432),
        "PGDATABASE": connection.database,
        "PGUSER": connection.role,
        "PGPASSWORD": unquote(parts.password or ""),
        "PGSSLMODE": query.get("sslmode"),
        "PGCHANNELBINDING": query.get("channel_binding"),
        "PGOPTIONS": query.get("options"),
    }
    return {name: value for name, value in found.items() if value is not None}
