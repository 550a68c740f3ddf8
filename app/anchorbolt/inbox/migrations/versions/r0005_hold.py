"""Revision 5: the listeners that are held because they keep dying. Older revisions know nothing of them.

A process of an older revision runs what comes for a held listener, as it always did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table."""
    op.create_table(
        "hold",
        sa.Column("listener", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("deaths", sa.Integer, nullable=False),
        sa.Column("held_at", sa.Double),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    op.execute("UPDATE inbox SET revision = 5")
