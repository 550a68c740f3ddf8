"""Tells the other processes from within a transaction, because an operator's command has no connection for it."""

from __future__ import annotations

from sqlalchemy import Connection, text

from anchorbolt.inbox.database import Wake
from anchorbolt.inbox.sql import POSTGRESQL


def notify(connection: Connection, wake: Wake) -> None:
    """Sends a NOTIFY with the commit. On SQLite nothing is sent: its one process looks by itself."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": wake.value})
