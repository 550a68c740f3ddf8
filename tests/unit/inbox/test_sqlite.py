"""What is asked of a file in one moment shares a transaction, and nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.rows import MOST, rows
from anchorbolt.inbox.sql import TEXT, WHOLE
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.sqlite import database as sqlite_database
from anchorbolt.inbox.sqlite.connection import connect_to_read
from anchorbolt.inbox.statement import Statement
from sqlalchemy import Connection, column, insert, select, table, text
from sqlalchemy.exc import IntegrityError


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
    committing = asyncio.Event()
    submit = ThreadPoolExecutor.submit

    def run(executor: ThreadPoolExecutor, work: Callable[[], object]) -> Future[object]:
        committing.set()
        return submit(executor, work)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", run)
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


async def test_who_leads_waits_for_the_disk_however_often_it_is_cancelled(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1. Two share a transaction on a slow disk; 2. the one that commits is cancelled three times; 3. both are written.

    Where it did not wait, the next transaction would begin inside of this one, and what was answered might be undone.
    """
    committing, disk, submit = asyncio.Event(), threading.Event(), ThreadPoolExecutor.submit

    def slow(executor: ThreadPoolExecutor, commit: Callable[[], object]) -> Future[object]:
        committing.set()
        return submit(executor, lambda: (disk.wait(10), commit()))

    monkeypatch.setattr(ThreadPoolExecutor, "submit", slow)
    leads = asyncio.create_task(database.transact(put(1)))
    follows = asyncio.create_task(database.transact(put(2)))
    await committing.wait()
    for _ in range(3):
        leads.cancel()
        await asyncio.sleep(0)
    assert not leads.done()
    disk.set()
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


async def test_what_was_not_committed_is_undone(database: SqliteDatabase) -> None:
    """1. Work fails that was alone, by SQL of its own and by SQLAlchemy's; 2. the next begins with nothing of it."""

    def wrong(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO number VALUES (1)")
        cursor = connection.connection.cursor()
        cursor.execute("INSERT INTO number VALUES (2)")
        raise ValueError("of this piece of work")

    with pytest.raises(ValueError, match="of this"):
        await database.transact(wrong)
    assert await numbers(database) == []
    assert await database.transact(put(1)) == 1
    assert await numbers(database) == [1]


async def test_a_row_that_is_refused_is_no_fault_of_the_file(database: SqliteDatabase) -> None:
    """SQLAlchemy's error tells it from a database that is not there, and the next is written."""
    await database.transact(put(1))
    with pytest.raises(IntegrityError):
        await database.transact(put(1))
    assert await database.transact(put(2)) == 2
    assert await numbers(database) == [1, 2]


@pytest.mark.parametrize("size", [0, 1, MOST, 2 * MOST + 1])
async def test_a_statement_takes_any_number_of_rows(database: SqliteDatabase, size: int) -> None:
    """Whatever fits into one text or takes several: each row is written once, and told."""
    number = table("number", column("n"))
    r = rows("sqlite", {"n": WHOLE})
    into = insert(number).from_select(["n"], select(r.c.n)).returning(number.c.n)
    write = Statement("sqlite", into)
    wanted = list(range(size))
    told = await database.transact(lambda c: [n for (n,) in write(c, {"rows": [{"n": n} for n in wanted]})])
    assert told == wanted
    assert await numbers(database) == wanted


async def test_columns_are_told_by_their_names(database: SqliteDatabase) -> None:
    """In whatever order a row's values are written down, and whatever else it has."""
    r = rows("sqlite", {"a": TEXT, "b": TEXT})
    look = Statement("sqlite", select(r.c.a, r.c.b))
    asked = [{"b": "of b", "c": "of none", "a": "of a"}]
    assert await database.transact(lambda c: look(c, {"rows": asked})) == [("of a", "of b")]


async def test_a_short_transaction_of_another_program_is_waited_for(
    database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1. An operator's command writes; 2. ours looks whether it is done; 3. and is written once it is."""
    monkeypatch.setattr(sqlite_database, "LOOK_SECONDS", 0)
    monkeypatch.setattr(sqlite_database, "WAIT_SECONDS", 60)
    other = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waits = asyncio.create_task(database.transact(put(1)))
    for _ in range(10):
        await asyncio.sleep(0)
    other.execute("ROLLBACK")
    other.close()
    assert await waits == 1
    assert await numbers(database) == [1]


async def test_what_an_operator_reads_holds_up_no_writer(database: SqliteDatabase, tmp_path: Path) -> None:
    """1. The server has written, and writes again; 2. a command reads meanwhile; 3. neither waits for the other."""
    await database.transact(put(1))
    command = SqliteDatabase(tmp_path / "numbers.db", serves=False)
    writer = sqlite3.connect(tmp_path / "numbers.db", timeout=0, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    await command.open()

    def look(connection: Connection) -> list[int]:
        found = [n for (n,) in connection.execute(text("SELECT n FROM number"))]
        writer.execute("COMMIT")
        writer.execute("BEGIN IMMEDIATE")
        return found

    assert await command.read(look) == [1]
    writer.close()
    await command.close()


NUMBERS = Statement("sqlite", select(column("n")).select_from(table("number")))


async def test_a_look_finds_only_what_is_on_the_disk(database: SqliteDatabase) -> None:
    """What a transaction has written is no answer to anybody before it is committed: it might be undone."""

    def work(connection: Connection) -> Sequence[Sequence[int]] | None:
        connection.execute(text("INSERT INTO number VALUES (1)"))
        return database.look(NUMBERS, {})

    assert await database.transact(work) == []
    assert database.look(NUMBERS, {}) == [(1,)]


async def test_looks_share_a_connection(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is opened once for all of them."""
    opened: list[Path] = []

    def connect(path: Path) -> sqlite3.Connection:
        opened.append(path)
        return connect_to_read(path)

    monkeypatch.setattr(sqlite_database, "connect_to_read", connect)
    assert [database.look(NUMBERS, {}) for _ in range(3)] == [[], [], []]
    assert len(opened) == 1


async def test_a_closed_file_is_looked_at_and_tidied_by_nobody(database: SqliteDatabase) -> None:
    """A look finds nothing, to tidy does nothing, and what is asked is told that the database is closed."""
    await database.close()
    assert database.look(NUMBERS, {}) is None
    await database.tidy()
    with pytest.raises(StoreUnavailableError, match=r"^the database is closed$"):
        await database.transact(put(1))


async def test_an_error_shows_nothing_of_what_was_sent(database: SqliteDatabase) -> None:
    """What a statement is sent with may hold tokens: its error names the constraint, and no value."""
    r = rows("sqlite", {"n": TEXT})
    write = Statement("sqlite", insert(table("number", column("n"))).from_select(["n"], select(r.c.n)))
    with pytest.raises(IntegrityError) as caught:
        await database.transact(lambda c: write(c, {"rows": [{"n": "xoxb-planted"}]}))
    assert "datatype mismatch" in str(caught.value)
    assert "planted" not in f"{caught.value} {caught.value!r} {caught.value.params}"
