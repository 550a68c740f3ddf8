"""Recognises a pooler, such as PgBouncer, that stands before a PostgreSQL although no setting tells of it.

A pooler in transaction mode gives each transaction another session. Prepared statements, the settings of a session and
LISTEN are lost with it, so some requests fail and others do not: the database seems to be away and back all the time.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

# How PgBouncer refuses a connection that begins with settings: https://www.pgbouncer.org/config.html
REFUSES_SETTINGS = "unsupported startup parameter"


def advice(setting: str) -> str:
    """What to do where there is a pooler. `setting`: the one that names the database."""
    return (
        f"{setting} leads to a pooler such as PgBouncer, not to PostgreSQL itself: set DATABASE_LISTEN_URL to a URL"
        f" that leads past the pooler, or to none. {setting} stays as it is, and nothing has to be set in the pooler"
    )


def is_behind_pooler(connection: Connection) -> bool:
    """Returns whether a pooler answers: the process that serves us is not the one that greeted us.

    PgBouncer makes up the number of the process that it tells a client.
    """
    greeted_by = connection.connection.driver_connection.get_server_pid()  # type: ignore[union-attr] # asyncpg's
    served_by = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return bool(greeted_by != served_by)
