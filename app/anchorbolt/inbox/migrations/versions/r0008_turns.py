"""Revision 8: workspaces are served in turn, and processes say that they live.

An older revision claims by age alone, and says nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds indexes of the lanes that wait for a slot or a time, and of those that are parked, and a table.

    They are few, but where a queue is long.
    """
    op.execute(
        "CREATE INDEX lane_turns ON lane (coalesce(workspace, ''), claimable_at)"
        " WHERE owner IS NULL AND waits_for IS NULL"
    )
    op.execute(
        "CREATE INDEX lane_parked_turns ON lane (waits_for, coalesce(workspace, ''), claimable_at)"
        " WHERE owner IS NULL AND waits_for IS NOT NULL"
    )
    op.create_table(
        "pod",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
    )
    op.execute("UPDATE inbox SET revision = 8")
