"""Revision 3: a few headers of the request, beside the body. Revision 2 knows nothing of them and needs not.

A process of revision 2 stores a delivery without them, runs one that has them as ever, and leaves them in the row when
the delivery is done: they go with the row, after RETENTION_HOURS.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column that may be NULL: no row is written again."""
    op.add_column("delivery", sa.Column("headers", sa.Text))
    op.execute("UPDATE inbox SET revision = 3")
