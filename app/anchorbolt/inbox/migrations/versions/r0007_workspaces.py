"""Revision 7: the workspaces that the app is installed in. Older revisions know nothing of it, and need not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds three tables."""
    op.create_table(
        "installation",
        sa.Column("workspace", sa.Text, primary_key=True),
        sa.Column("enterprise_id", sa.Text),
        sa.Column("org_wide", sa.SmallInteger, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("bot_token", sa.Text),
        sa.Column("bot_refresh_token", sa.Text),
        sa.Column("bot_expires_at", sa.Double),
        sa.Column("bot_id", sa.Text),
        sa.Column("bot_user_id", sa.Text),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("installed_by", sa.Text),
        sa.Column("installed_at", sa.Double, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("refresh_owner", sa.Text),
        sa.Column("refresh_until", sa.Double),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    op.create_table(
        "user_token",
        sa.Column("workspace", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("refresh_token", sa.Text),
        sa.Column("expires_at", sa.Double),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("installed_at", sa.Double, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("refresh_owner", sa.Text),
        sa.Column("refresh_until", sa.Double),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
    op.create_table(
        "oauth_state",
        sa.Column("state_hash", sa.Text, primary_key=True),
        sa.Column("browser_hash", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("oauth_state_expires", "oauth_state", ["expires_at"])
    op.execute("UPDATE inbox SET revision = 7")
