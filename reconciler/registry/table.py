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


_METADATA: Final = sa.MetaData()

TENANTS: Final = sa.Table(
    "neon_reconciler_tenants",
    _METADATA,
    sa.Column("fleet", sa.String(63), primary_key=True),
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("project_id", sa.String(60)),
    sa.Column("organization", sa.String(63)),
    sa.Column("claimed_by", sa.String(64), nullable=False),
    sa.Column("claimed_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
)
"""One row for each tenant of a fleet. The primary key (fleet, tenant) makes a claim exclusive."""

REVISIONS: Final = sa.Table(
    "neon_reconciler_revisions",
    _METADATA,
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
    _METADATA,
    sa.Column("fleet", sa.String(63), primary_key=True),
    sa.Column("part", sa.String(24), primary_key=True),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("held_by", sa.String(64)),
    sa.Column("since", Moment),
    sa.Column("renewed_at", Moment),
)
"""The run that applies a fleet, or a part of it. The row with an empty part counts the tokens. Each lease has its
own token."""
