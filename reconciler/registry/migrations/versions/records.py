"""What a platform stores of a project: its tier, its place, how to connect, and its state."""

import sqlalchemy as sa
from alembic import op

from reconciler.registry.table import Moment

revision = "0002"
down_revision = "0001"

TABLE = "neon_reconciler_tenants"


def upgrade() -> None:
    """Adds the columns. A row with a project is ready; the next run fills in the rest."""
    for column in (
        sa.Column("tier", sa.String(63)),
        sa.Column("region", sa.String(64)),
        sa.Column("host", sa.String(255)),
        sa.Column("pooled_host", sa.String(255)),
        sa.Column("database", sa.String(63)),
        sa.Column("role", sa.String(63)),
        sa.Column("state", sa.String(16), nullable=False, server_default="setting_up"),
        sa.Column("project_created_at", Moment),
    ):
        op.add_column(TABLE, column)
    tenants = sa.table(TABLE, sa.column("project_id"), sa.column("state"))
    op.execute(tenants.update().where(tenants.c.project_id.is_not(None)).values(state="ready"))
