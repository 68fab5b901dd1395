"""The notices that were sent to people."""

import sqlalchemy as sa
from alembic import op

from reconciler.registry.table import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "neon_reconciler_notices",
        sa.Column("fleet", sa.String(63), primary_key=True),
        sa.Column("destination", sa.String(128), primary_key=True),
        sa.Column("topic", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(128), primary_key=True),
        sa.Column("what", sa.String(255), primary_key=True),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("since", sa.String(64), nullable=False),
        sa.Column("told_at", Moment, nullable=False),
        if_not_exists=True,
    )
