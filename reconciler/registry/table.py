"""The tables of the registry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from reconciler.live.registered import RowState

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Dialect

T = TypeVar("T")


class ImpossibleValueError(DatabaseError):
    """A value that its column cannot have: SQLite takes any, and people edit rows by hand."""

    def __init__(self, value: object, what: str) -> None:
        told = f"{str(value)[:60]!r} in a row is not {what}: correct it, or delete the row"
        super().__init__(None, None, ValueError(told))


class Checked(sa.types.TypeDecorator[T]):
    """A type whose values are checked when they are read."""

    cache_ok = True
    impl: type[sa.types.TypeEngine[Any]] | sa.types.TypeEngine[Any] = sa.String
    what = "a value of its column"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Raises ImpossibleValueError for a value that the type cannot have (SQLAlchemy)."""
        processor = super().result_processor(dialect, coltype)

        def read(value: Any) -> Any:
            try:
                return value if processor is None else processor(value)
            except (ValueError, TypeError, AttributeError):
                raise ImpossibleValueError(value, self.what) from None

        return read


class Characters(Checked[str]):
    """Characters, up to a length."""

    cache_ok = True
    impl = sa.String
    what = "text"

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Refuses bytes and numbers (SQLAlchemy)."""
        if value is not None and not isinstance(value, str):
            raise TypeError(value)
        return value


class Number(Checked[int]):
    """A whole number."""

    cache_ok = True
    impl = sa.BigInteger
    what = "a whole number"

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuses text (SQLAlchemy)."""
        if value is not None and not isinstance(value, int):
            raise TypeError(value)
        return value


class State(Checked[RowState]):
    """The state of a row."""

    cache_ok = True
    impl = sa.String
    what = "a state"

    def process_result_value(self, value: Any, dialect: Dialect) -> RowState | None:  # noqa: ARG002
        """Refuses a state that no version writes (SQLAlchemy)."""
        return None if value is None else RowState(value)


class Moment(Checked[datetime]):
    """A time in UTC, in databases that keep time zones and in those that do not."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True
    what = "a time"

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
    sa.Column("fleet", Characters(63), primary_key=True),
    sa.Column("tenant", Characters(128), primary_key=True),
    sa.Column("project_id", Characters(60)),
    sa.Column("organization", Characters(63)),
    sa.Column("claimed_by", Characters(64), nullable=False),
    sa.Column("claimed_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("tier", Characters(63)),
    sa.Column("region", Characters(64)),
    sa.Column("host", Characters(255)),
    sa.Column("pooled_host", Characters(255)),
    sa.Column("database", Characters(63)),
    sa.Column("role", Characters(63)),
    sa.Column("state", State(16), nullable=False, server_default="setting_up"),
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
    "neon_reconciler_version", METADATA, sa.Column("version_num", Characters(32), primary_key=True)
)
"""The version of the tables (Alembic)."""
HEAD: Final = "0006"
"""The newest version."""
TENANTS_SINCE: Final = "0005"
"""From this version on, the table of tenants has all its columns. Later ones have only added other tables."""

REVISIONS: Final = sa.Table(
    "neon_reconciler_revisions",
    METADATA,
    sa.Column("fleet", Characters(63), primary_key=True),
    sa.Column("tenant", Characters(128), primary_key=True),
    sa.Column("revision", Number, nullable=False),
    sa.Column("accepted_by", Characters(64), nullable=False),
    sa.Column("accepted_at", Moment, nullable=False),
)
"""The newest revision of each tenant. A row is kept after the tenant is deleted, so that an older document cannot
recreate the tenant."""

LEASES: Final = sa.Table(
    "neon_reconciler_leases",
    METADATA,
    sa.Column("fleet", Characters(63), primary_key=True),
    sa.Column("part", Characters(24), primary_key=True),
    sa.Column("token", Number, nullable=False),
    sa.Column("held_by", Characters(64)),
    sa.Column("since", Moment),
    sa.Column("renewed_at", Moment),
)
"""The run that applies a fleet, or a part of it. The row with an empty part counts the tokens. Each lease has its
own token."""

NOTICES: Final = sa.Table(
    "neon_reconciler_notices",
    METADATA,
    sa.Column("fleet", Characters(63), primary_key=True),
    sa.Column("destination", Characters(128), primary_key=True),
    sa.Column("topic", Characters(32), primary_key=True),
    sa.Column("subject", Characters(128), primary_key=True),
    sa.Column("what", Characters(255), primary_key=True),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("since", Characters(64), nullable=False),
    sa.Column("told_at", Moment, nullable=False),
)
"""The notices that were sent and still last, so that each is sent once. A lost row repeats a notice."""

CALLS: Final = sa.Table(
    "neon_reconciler_calls",
    METADATA,
    sa.Column("account", Characters(63), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)
"""How many calls the runs on one account may start now, on whatever machine. A lost row costs nothing."""
