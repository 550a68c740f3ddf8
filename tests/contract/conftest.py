"""The databases that the inbox's contract is held against: SQLite in memory, SQLite in a file, PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from anchorbolt.inbox.database import Database
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.sqlite import SqliteDatabase
from sqlalchemy.engine import make_url

from tests.support.postgresql import PostgreSQL

MakeDatabase = Callable[[], Database]
LEASE_SECONDS = 30.0


@pytest.fixture(params=["sqlite in memory", "sqlite in a file", "postgresql"])
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> MakeDatabase:
    """Makes databases objects that all lead to one empty database, where it can be shared."""
    if request.param == "sqlite in memory":
        return lambda: SqliteDatabase(None)
    if request.param == "sqlite in a file":
        return lambda: SqliteDatabase(tmp_path / "inbox.db")
    server: PostgreSQL = request.getfixturevalue("shared_postgres")
    # Whoever takes `make_database` alone begins without a schema.
    url = make_url(server.new_inbox() if "database" in request.fixturenames else server.new_database())
    return lambda: PostgresqlDatabase(url, listen_url=url)


@pytest.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[Database]:
    """An empty database, with a schema as soon as it is open: SQLite makes it then, PostgreSQL's is a copy."""
    database = make_database()
    yield database
    await database.close()


@pytest.fixture
async def inbox(database: Database) -> AsyncIterator[Inbox]:
    """An open inbox on it."""
    inbox = Inbox(database, lease_seconds=LEASE_SECONDS, clock=time.monotonic)
    await inbox.open()
    yield inbox
    await inbox.close()


@pytest.fixture
async def pods(shared_postgres: PostgreSQL) -> AsyncIterator[Callable[..., Inbox]]:
    """Makes more processes' views of one inbox on PostgreSQL; a SQLite is one process's own."""
    url = make_url(shared_postgres.new_inbox())

    def make_database() -> Database:
        return PostgresqlDatabase(url, listen_url=url)

    made: list[Inbox] = []

    def make(lease_seconds: float = LEASE_SECONDS) -> Inbox:
        made.append(Inbox(make_database(), lease_seconds=lease_seconds))
        return made[-1]

    yield make
    for inbox in made:
        await inbox.close()
