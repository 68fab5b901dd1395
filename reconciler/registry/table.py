"""The tables of the registry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class Moment(sa.types.TypeDecorator[datetime]):
    """A time in UTC, in databases that keep time zones and in those that do not."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Converts to UTC, because a database without time zones stores only the local time (SQLAlchemy)."""
        return value and value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Converts to a time with a time zone (SQLAlchemy)."""
        moment: datetime | None = value
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


METADATA: Final = sa.MetaData()
"""All tables, at their newest version."""

TENANTS: Final = sa.Table(
    "neon_reconciler_tenants",
    METADATA,
    sa.Column("fleet", sa.String(63), primary_key=True),
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("project_id", sa.String(60)),
    sa.Column("organization", sa.String(63)),
    sa.Column("claimed_by", sa.String(64), nullable=False),
    sa.Column("claimed_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("tier", sa.String(63)),
    sa.Column("region", sa.String(64)),
    sa.Column("host", sa.String(255)),
    sa.Column("pooled_host", sa.String(255)),
    sa.Column("database", sa.String(63)),
    sa.Column("role", sa.String(63)),
    sa.Column("state", sa.String(16), nullable=False, server_default="setting_up"),
    sa.Column("project_created_at", Moment),
    sa.Column("pooled_string", sa.Text),
    sa.Column("direct_string", sa.Text),
    sa.Column("strings_due_since", Moment),
    sa.Column("recoverable_until", Moment),
)
"""One row for each tenant of a fleet. The primary key (fleet, tenant) makes a claim exclusive."""

CLAIM: Final = ("tenant", "project_id", "organization", "claimed_by", "claimed_at")
"""The columns that every version of the table has."""
RECORD: Final = ("tier", "region", "host", "pooled_host", "database", "role", "state", "project_created_at")
STRINGS: Final = ("pooled_string", "direct_string", "strings_due_since")
"""Encrypted, as Fernet tokens; and since when a run has been about to write them."""

VERSIONS: Final = sa.Table(
    "neon_reconciler_version", METADATA, sa.Column("version_num", sa.String(32), primary_key=True)
)
"""The version of the tables (Alembic)."""
HEAD: Final = "0006"
"""The newest version."""
TENANTS_SINCE: Final = "0005"
"""From this version on, the table of tenants has all its columns. Later ones have only added other tables."""

REVISIONS: Final = sa.Table(
    "neon_reconciler_revisions",
    METADATA,
    sa.Column("fleet", sa.String(63), primary_key=True),
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("accepted_by", sa.String(64), nullable=False),
    sa.Column("accepted_at", Moment, nullable=False),
)
"""The newest revision of each tenant. A row is kept after the tenant is deleted, so that an older document cannot
recreate the tenant."""

LEASES: Final = sa.Table(
    "neon_reconciler_leases",
    METADATA,
    sa.Column("fleet", sa.String(63), primary_key=True),
    sa.Column("part", sa.String(24), primary_key=True),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("held_by", sa.String(64)),
    sa.Column("since", Moment),
    sa.Column("renewed_at", Moment),
)
"""The run that applies a fleet, or a part of it. The row with an empty part counts the tokens. Each lease has its
own token."""

NOTICES: Final = sa.Table(
    "neon_reconciler_notices",
    METADATA,
    sa.Column("fleet", sa.String(63), primary_key=True),
    sa.Column("destination", sa.String(128), primary_key=True),
    sa.Column("topic", sa.String(32), primary_key=True),
    sa.Column("subject", sa.String(128), primary_key=True),
    sa.Column("what", sa.String(255), primary_key=True),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("since", sa.String(64), nullable=False),
    sa.Column("told_at", Moment, nullable=False),
)
"""The notices that were sent and still last, so that each is sent once. A lost row repeats a notice."""

CALLS: Final = sa.Table(
    "neon_reconciler_calls",
    METADATA,
    sa.Column("account", sa.String(63), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)
"""How many calls the runs on one account may start now, on whatever machine. A lost row costs nothing."""
