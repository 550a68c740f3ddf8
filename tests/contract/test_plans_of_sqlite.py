"""SQLite finds by an index what is asked again and again: while it looks, nothing else happens in the process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from app.inbox.census import Count
from app.inbox.claim import Claim, Next
from app.inbox.database import Database
from app.inbox.retention import Retention
from app.inbox.sqlite import SqliteDatabase


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    """Plans do not hang on what is in the tables: SQLite keeps no count of that by itself."""
    database = SqliteDatabase(None)
    await database.open()
    await database.migrate()
    yield database
    await database.close()


def plan(connection: Connection, work: Callable[[Connection], object]) -> str:
    """How SQLite does each statement of a piece of work, a step a line."""
    seen: list[str] = []
    driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(seen.append)  # with the parameters in their places
    work(connection)
    driver.set_trace_callback(None)
    steps = [driver.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in seen if not sql.startswith("--")]
    return "\n".join(detail for of_statement in steps for *_, detail in of_statement)


@pytest.mark.parametrize(
    "work",
    [Count(), Retention(26 * 3600, 30 * 86400), lambda c: Claim("sqlite", "one", 30.0, Next("sqlite"))(c, 1, 0, 10)],
    ids=["census", "retention", "claim"],
)
async def test_no_scan_of_the_deliveries(database: Database, work: Callable[[Connection], object]) -> None:
    """The table that only grows is never read from one end to the other."""
    found = await database.transact(lambda connection: plan(connection, work))
    assert "SEARCH" in found
    assert "SCAN delivery" not in found
