"""Revision 8: workspaces are served in turn. An older revision claims by age alone, and keeps the index as it is."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index of the lanes that wait for a slot or a time: few, but where a queue is long."""
    op.execute(
        "CREATE INDEX lane_turns ON lane (coalesce(workspace, ''), claimable_at)"
        " WHERE owner IS NULL AND waits_for IS NULL"
    )
    op.execute("UPDATE inbox SET revision = 8")
