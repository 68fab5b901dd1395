"""Connection strings, encrypted, of fleets that ask for them."""

import sqlalchemy as sa
from alembic import op

from reconciler.registry.table import Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the columns. They are empty: `reconciler registry rebuild` fills them where tiers.yaml asks for it."""
    for column in (
        sa.Column("pooled_string", sa.Text),
        sa.Column("direct_string", sa.Text),
        sa.Column("strings_due_since", Moment),
    ):
        op.add_column("neon_reconciler_tenants", column)
