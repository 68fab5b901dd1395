"""The tables as they were before migrations. They may exist already."""

import sqlalchemy as sa
from alembic import op

from reconciler.registry.table import Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables that do not exist."""
    op.create_table(
        "neon_reconciler_tenants",
        *_key(),
        sa.Column("project_id", sa.String(60)),
        sa.Column("organization", sa.String(63)),
        sa.Column("claimed_by", sa.String(64), nullable=False),
        sa.Column("claimed_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "neon_reconciler_revisions",
        *_key(),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("accepted_by", sa.String(64), nullable=False),
        sa.Column("accepted_at", Moment, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "neon_reconciler_leases",
        sa.Column("fleet", sa.String(63), primary_key=True),
        sa.Column("part", sa.String(24), primary_key=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("held_by", sa.String(64)),
        sa.Column("since", Moment),
        sa.Column("renewed_at", Moment),
        if_not_exists=True,
    )


def _key() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("fleet", sa.String(63), primary_key=True),
        sa.Column("tenant", sa.String(128), primary_key=True),
    )
