"""A PostgreSQL that was restarted: every connection to it is broken, and one transaction is enough to know."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, Double, bindparam, func, literal, select
from sqlalchemy.engine import make_url

from app.errors import StoreUnavailableError
from app.inbox.postgresql import PostgresqlDatabase
from app.inbox.statement import Statement
from tests.support.postgresql import PostgreSQL

CONNECTIONS = 5


async def test_one_transaction_finds_out(tmp_path: Path) -> None:
    """1. All connections are in use; 2. PostgreSQL is restarted; 3. one transaction fails, and then all are done."""
    server = PostgreSQL(tmp_path / "postgresql")
    server.start()
    database = PostgresqlDatabase(make_url(server.new_database()), connections=CONNECTIONS)
    one = Statement(select(literal(1)))
    nap = Statement(select(func.pg_sleep(bindparam("seconds", type_=Double()))))

    def hold(connection: Connection) -> None:
        nap(connection, {"seconds": 0.2})

    try:
        await database.open()
        await asyncio.gather(*(database.transact(hold) for _ in range(CONNECTIONS)))
        await asyncio.to_thread(server.restart)
        with pytest.raises(StoreUnavailableError):
            await database.transact(lambda connection: one(connection, {}))
        for _ in range(2 * CONNECTIONS):
            assert await database.transact(lambda connection: [tuple(row) for row in one(connection, {})]) == [(1,)]
    finally:
        await database.close()
        server.stop()
