"""What is asked of a file in one moment shares a transaction, and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from app.errors import StoreUnavailableError
from app.inbox.sqlite import SqliteDatabase


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """A file with one table, of numbers that differ."""
    database = SqliteDatabase(tmp_path / "numbers.db")
    await database.open()
    await database.transact(lambda connection: connection.execute(text("CREATE TABLE number (n INTEGER PRIMARY KEY)")))
    yield database
    await database.close()


def put(number: int) -> Callable[[Connection], int]:
    """Writes a number."""

    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO number VALUES (:n)"), {"n": number})
        return number

    return work


async def numbers(database: SqliteDatabase) -> list[int]:
    """All of them."""
    return await database.transact(
        lambda connection: list(connection.execute(text("SELECT n FROM number ORDER BY n")).scalars())
    )


async def test_what_is_asked_in_one_moment_is_one_transaction(database: SqliteDatabase) -> None:
    """Ten pieces of work, one BEGIN, and each has its own answer."""
    begun: list[str] = []

    def watch(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(lambda sql: begun.append(sql) if sql.startswith("BEGIN") else None)

    await database.transact(watch)
    assert await asyncio.gather(*(database.transact(put(n)) for n in range(10))) == list(range(10))
    assert len(begun) == 1


async def test_one_that_fails_undoes_only_itself(database: SqliteDatabase) -> None:
    """Its neighbours are written, once each, and it has its error alone."""

    def wrong(connection: Connection) -> None:
        connection.execute(text("INSERT INTO number VALUES (99)"))
        raise ValueError("of this piece of work")

    answers = await asyncio.gather(
        database.transact(put(1)), database.transact(wrong), database.transact(put(2)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [int, ValueError, int]
    assert await numbers(database) == [1, 2]


@pytest.fixture
async def committing(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a commit goes to the disk."""
    loop = asyncio.get_running_loop()
    committing = asyncio.Event()
    run_in_executor = loop.run_in_executor

    def run(*arguments: object) -> asyncio.Future[object]:
        committing.set()
        return run_in_executor(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "run_in_executor", run)
    return committing


async def test_who_stops_waiting_asked_for_nothing(database: SqliteDatabase, committing: asyncio.Event) -> None:
    """1. One is written; 2. another waits for its turn; 3. and is cancelled: it is not done, and what follows is."""
    first = asyncio.create_task(database.transact(put(1)))
    await committing.wait()
    gone = asyncio.create_task(database.transact(put(2)))
    last = asyncio.create_task(database.transact(put(3)))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert [await first, await last] == [1, 3]
    assert await numbers(database) == [1, 3]


async def test_who_leads_and_is_cancelled_at_the_commit(database: SqliteDatabase, committing: asyncio.Event) -> None:
    """1. Two share a transaction; 2. the one that commits is cancelled meanwhile; 3. the other one's is written."""
    leads = asyncio.create_task(database.transact(put(1)))
    follows = asyncio.create_task(database.transact(put(2)))
    await committing.wait()
    leads.cancel()
    assert await follows == 2
    with pytest.raises(asyncio.CancelledError):
        await leads
    assert await numbers(database) == [1, 2]


async def test_a_file_that_cannot_be_written_is_everybodys(database: SqliteDatabase, tmp_path: Path) -> None:
    """1. Another process writes; 2. all are told; 3. when it is done, all goes on."""
    other = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(*(database.transact(put(n)) for n in range(3)), return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailableError) for answer in answers)
    other.execute("ROLLBACK")
    other.close()
    assert await database.transact(put(1)) == 1
