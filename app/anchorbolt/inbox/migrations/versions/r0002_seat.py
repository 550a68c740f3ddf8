"""Revision 2: the seat. Revision 1 knows nothing of it and needs not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table, and changes none."""
    op.create_table(
        "seat",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("held_until", sa.Double, nullable=False),
        sa.Column("served", sa.SmallInteger, nullable=False),
    )
    op.execute("UPDATE inbox SET revision = 2")
