"""A PostgreSQL that was restarted, or migrated: what all connections have in common need not be found out by each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.statement import Statement
from sqlalchemy import Connection, Double, Integer, bindparam, column, func, select, table, text
from sqlalchemy.engine import make_url

from tests.support.postgresql import PostgreSQL

CONNECTIONS = 5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgreSQL]:
    """One of its own, to be restarted."""
    server = PostgreSQL(tmp_path / "postgresql")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def url(server: PostgreSQL) -> str:
    """An empty database."""
    return server.new_database()


@pytest.fixture
async def database(url: str) -> AsyncIterator[PostgresqlDatabase]:
    """With a table of one number."""
    database = PostgresqlDatabase(make_url(url), connections=CONNECTIONS)
    await database.open()
    await database.transact(lambda connection: connection.execute(text("CREATE TABLE t AS SELECT 1::int AS n")))
    yield database
    await database.close()


NUMBER = Statement("postgresql", select(column("n", Integer)).select_from(table("t")))
NAP = Statement("postgresql", select(func.pg_sleep(bindparam("seconds", type_=Double()))))


def number(connection: Connection) -> list[tuple[int, ...]]:
    """What is in the table."""
    return [tuple(row) for row in NUMBER(connection, {})]


async def on_all_connections(database: PostgresqlDatabase) -> None:
    """Asks on each of them, all at once."""

    def hold(connection: Connection) -> None:
        number(connection)
        NAP(connection, {"seconds": 0.2})

    await asyncio.gather(*(database.transact(hold) for _ in range(CONNECTIONS)))


async def test_after_a_restart_one_transaction_finds_out(server: PostgreSQL, database: PostgresqlDatabase) -> None:
    """1. All connections are in use; 2. PostgreSQL is restarted; 3. one transaction fails, and then all are done."""
    await on_all_connections(database)
    await asyncio.to_thread(server.restart)
    with pytest.raises(StoreUnavailableError):
        await database.transact(number)
    for _ in range(2 * CONNECTIONS):
        assert await database.transact(number) == [(1,)]


async def test_after_a_migration_none_fails(server: PostgreSQL, url: str, database: PostgresqlDatabase) -> None:
    """1. All connections have a plan; 2. another process changes what it returns; 3. every transaction is done."""
    await on_all_connections(database)
    server.query(url.rpartition("/")[2], "ALTER TABLE t ALTER n TYPE bigint")
    for _ in range(2 * CONNECTIONS):
        assert await database.transact(number) == [(1,)]


async def test_after_a_migration_no_statement_alone_fails(
    server: PostgreSQL, url: str, database: PostgresqlDatabase
) -> None:
    """The same for statements that are their own transactions: none is told to be done in another way."""
    for _ in range(2 * CONNECTIONS):
        assert await database.execute(NUMBER, {}) == [(1,)]
    server.query(url.rpartition("/")[2], "ALTER TABLE t ALTER n TYPE bigint")
    for _ in range(2 * CONNECTIONS):
        assert await database.execute(NUMBER, {}) == [(1,)]
