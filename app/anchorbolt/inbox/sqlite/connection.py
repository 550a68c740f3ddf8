"""The one connection of a SQLite inbox: how it is set up, and how what was not committed on it is undone."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

# A statement is prepared for each number of rows that comes, up to rows.MOST: none is to be prepared twice.
STATEMENTS = 512
# sqlite3 looks for an adapter for every value that is neither text nor number, and None is one. Where it finds none, it
# asks for two attributes that are not there, and the two exceptions take four times as long as to bind the None. This
# adapter returns None, as it was given: `get` of an empty dict does that without a call of a Python function.
sqlite3.register_adapter(type(None), dict[None, None]().get)


def connect(path: Path | None, clock: Callable[[], float], busy_seconds: float) -> Connection:
    """Opens the file, or memory when there is no path. To take a connection from a pool for each transaction would
    cost more than a small one.

    `clock`: seconds since 1970. `busy_seconds`: how long a statement waits for another writer. Raises a DBAPIError.
    """
    engine = create_engine(
        f"sqlite+pysqlite:///{path or ':memory:'}",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "timeout": busy_seconds, "cached_statements": STATEMENTS},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours: pysqlite's would come too late and not be IMMEDIATE
        connection.create_function("clock", 0, clock)
        cursor = connection.cursor()
        if path is not None:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            # What is deleted holds tokens: it is overwritten, in pages that are in use and in free ones.
            cursor.execute("PRAGMA secure_delete=ON")
        cursor.close()

    return engine.connect()


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Opens the file once more, to read what is committed while the other connection commits. Raises sqlite3.Error.

    What it sees is on the disk: with `synchronous=FULL`, SQLite shows a commit to others after it has been synced
    (https://www.sqlite.org/wal.html).
    """
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA cache_size=-512")  # KiB; it looks single rows up
    return connection


def driver_of(connection: Connection) -> sqlite3.Connection:
    """Returns the connection of Python's sqlite3 that is below one of SQLAlchemy's."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def undo(connection: Connection, driver: sqlite3.Connection) -> None:
    """Rolls back. SQLAlchemy begins a transaction for itself with what it executes, which is within ours."""
    with contextlib.suppress(DBAPIError, sqlite3.Error):
        connection.rollback()
        driver.rollback()
