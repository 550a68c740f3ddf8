"""Revision 6: what operators see and hold back. Older revisions know nothing of it.

A process of an older revision runs what is paused (but for a pause of all), and what waits for something as soon as
its lane may be claimed, as it always did; it leaves the new columns of what it stores and ends as they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns that may be NULL, so that no row is written again, two indexes that are empty, and tables."""
    for column in ("workspace", "conversation", "listener"):
        op.add_column("delivery", sa.Column(column, sa.Text))
    op.add_column("delivery", sa.Column("started_at", sa.Double))
    op.add_column("delivery", sa.Column("history", sa.Text))
    op.add_column("lane", sa.Column("workspace", sa.Text))
    op.add_column("lane", sa.Column("waits_for", sa.Text))
    op.add_column("lane", sa.Column("cancel_id", sa.BigInteger))
    op.add_column("lane", sa.Column("cancelled_by", sa.Text))
    op.execute("CREATE INDEX lane_waits_for ON lane (waits_for, claimable_at) WHERE waits_for IS NOT NULL")
    op.execute("CREATE INDEX lane_cancel ON lane (owner) WHERE cancel_id IS NOT NULL")
    op.create_table(
        "pause",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("paused_by", sa.Text, nullable=False),
        sa.Column("paused_at", sa.Double, nullable=False),
    )
    op.create_table(
        "gate",
        sa.Column("method", sa.Text, primary_key=True),
        sa.Column("workspace", sa.Text, primary_key=True),
        sa.Column("opens_at", sa.Double, nullable=False),
        sa.Column("apart_seconds", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    op.create_table(
        "breaker",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("opened_at", sa.Double, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("probe_at", sa.Double, nullable=False),
        sa.Column("probed_by", sa.Text),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    op.add_column("inbox", sa.Column("paused_by", sa.Text))
    op.execute("UPDATE inbox SET revision = 6")
