"""Revision 1: deliveries, lanes, and the row about the inbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the inbox."""
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("traceparent", sa.Text),
        sa.Column("received_at", sa.Double, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("ended_at", sa.Double),
        sqlite_autoincrement=True,
    )
    live, ended = sa.text("state = 'live'"), sa.text("state <> 'live'")
    op.create_index("delivery_live", "delivery", ["lane", "id"], postgresql_where=live, sqlite_where=live)
    op.create_index("delivery_ended", "delivery", ["state", "ended_at"], postgresql_where=ended, sqlite_where=ended)
    op.create_table(
        "lane",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("pending", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("claimable_at", sa.Double, nullable=False),
    )
    op.create_index("lane_claimable", "lane", ["claimable_at"])
    inbox = op.create_table(
        "inbox",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("compatible_from", sa.Integer, nullable=False),
        sa.Column("paused_at", sa.Double),
    )
    op.bulk_insert(inbox, [{"id": 1, "revision": 1, "compatible_from": 1}])
