"""Revision 4: an index of the lanes of urgent events. Revision 3 knows nothing of it and needs not.

A process of revision 3 has no such lanes, and claims those of others as it claims any lane.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index that is nearly always empty."""
    urgent = sa.text("substr(name, 1, 1) = '!'")
    op.create_index("lane_urgent", "lane", ["claimable_at"], postgresql_where=urgent, sqlite_where=urgent)
    op.execute("UPDATE inbox SET revision = 4")
