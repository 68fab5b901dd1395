"""Until when a deleted project can be recovered."""

import sqlalchemy as sa
from alembic import op

from reconciler.registry.table import Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the column. It is empty for projects that were deleted before."""
    op.add_column("neon_reconciler_tenants", sa.Column("recoverable_until", Moment))
