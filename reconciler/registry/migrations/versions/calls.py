"""How many calls the runs on one account may start now."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "neon_reconciler_calls",
        sa.Column("account", sa.String(63), primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        if_not_exists=True,
    )
