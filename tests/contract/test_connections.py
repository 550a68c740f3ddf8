"""A connection to PostgreSQL begins with its limits, is one of a few, and is given up when it says nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.postgresql import database as postgresql_database
from anchorbolt.inbox.postgresql.database import LIMITS, PATIENT_SECONDS, SILENT_SECONDS, TRIES
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from tests.support.postgresql import PostgreSQL
from tests.support.waiting import until, until_answer

SETTINGS = ("application_name", *LIMITS)


@pytest.fixture
def url(shared_postgres: PostgreSQL) -> URL:
    """An empty database."""
    return make_url(shared_postgres.new_database())


@pytest.fixture
async def database(url: URL) -> AsyncIterator[PostgresqlDatabase]:
    """With two connections."""
    database = PostgresqlDatabase(url, connections=2)
    yield database
    await database.close()


def pid(connection: Connection) -> int:
    """Which process of PostgreSQL serves it."""
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def nap(seconds: float) -> Callable[[Connection], int]:
    """PostgreSQL says nothing for so long; then who it was."""

    def work(connection: Connection) -> int:
        connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
        return pid(connection)

    return work


def fail(code: str, times: int, tried: list[int]) -> Callable[[Connection], str]:
    """PostgreSQL answers with an error so many times."""

    def work(connection: Connection) -> str:
        tried.append(pid(connection))
        if len(tried) <= times:
            connection.execute(text(f"DO $$ BEGIN RAISE 'not now' USING ERRCODE = '{code}'; END $$"))
        return "done"

    return work


async def test_a_connection_begins_with_its_limits(database: PostgresqlDatabase) -> None:
    """A pod that stands still holds its locks no longer than they say; an operator sees whose connection it is."""
    asked = text("SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS))
    said = await database.transact(lambda connection: tuple(connection.execute(asked).one()))
    assert said == ("anchorbolt", *LIMITS.values())


async def test_behind_a_pooler_a_transaction_begins_with_its_limits(url: URL) -> None:
    """Each of them, for a pooler gives it any session; and they end with it, for that session is others' too."""
    asked = text("SELECT " + ", ".join(f"current_setting('{name}')" for name in LIMITS))
    database = PostgresqlDatabase(url, connections=1, pooled=True)
    said = [await database.transact(lambda connection: tuple(connection.execute(asked).one())) for _ in range(2)]
    assert said == [tuple(LIMITS.values())] * 2

    def without(connection: Connection) -> tuple[str, ...]:
        connection.rollback()
        return tuple(connection.execute(asked).one())

    assert (await database.transact(without))[0] != said[0][0]
    await database.close()


async def test_a_database_that_was_closed_leaves_no_connection(url: URL, shared_postgres: PostgreSQL) -> None:
    """Neither one that was used, nor the one that listened."""
    connected = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{url.database}'"
    database = PostgresqlDatabase(url, listen_url=url)
    await database.open()
    await until(lambda: shared_postgres.query("postgres", connected).strip() == "2", what="it listens")
    await database.close()
    await until(lambda: shared_postgres.query("postgres", connected).strip() == "0", what="nobody is connected")


async def test_no_more_connections_than_were_asked_for(database: PostgresqlDatabase) -> None:
    """Of many transactions at once all but so many wait for one that is free."""
    assert len(set(await asyncio.gather(*(database.transact(nap(0.05)) for _ in range(6))))) == 2


async def test_a_silent_connection_is_given_up(database: PostgresqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next has another one and twice the time, up to a bound; once one answers, all have the usual time."""
    monkeypatch.setattr(postgresql_database, "PATIENT_SECONDS", 0.3)
    before = await database.transact(pid)
    database._patience_seconds = 0.1
    for patience in (0.2, 0.3, 0.3):
        with pytest.raises(StoreUnavailableError, match=r"cannot be used \(TimeoutError\): look at it, its network"):
            await database.transact(nap(600))
        assert database._patience_seconds == patience
    database._patience_seconds = PATIENT_SECONDS
    assert await database.transact(pid) != before
    assert database._patience_seconds == SILENT_SECONDS


async def test_work_that_may_take_long_has_its_own_time(database: PostgresqlDatabase) -> None:
    """A migration is not given up after the seconds in which any other transaction would have had its answer."""
    await database.transact(pid)
    database._patience_seconds = 0.01
    assert await database.transact(nap(0.05), timeout_seconds=600) > 0


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"])
async def test_what_postgresql_asks_for_again_is_done_again(database: PostgresqlDatabase, code: str) -> None:
    """A deadlock, a conflict and a lock that did not come are tried again, on the same connection."""
    tried: list[int] = []
    assert await database.transact(fail(code, TRIES - 1, tried)) == "done"
    assert len(tried) == TRIES
    assert len(set(tried)) == 1


async def test_what_is_never_let_through_ends(database: PostgresqlDatabase) -> None:
    """After some tries the database counts as away, and the message says where to look who holds it up."""
    tried: list[int] = []
    with pytest.raises(StoreUnavailableError, match=rf"let nobody through {TRIES} times: .*not now.*; pg_locks shows"):
        await database.transact(fail("55P03", 1000, tried))
    assert len(tried) == TRIES


@pytest.mark.parametrize("code", ["22001", "23505", "54000"])
async def test_a_row_that_is_refused_is_no_fault_of_the_database(database: PostgresqlDatabase, code: str) -> None:
    """Its error is told as it is, once, and the connection is as good as before."""
    tried: list[int] = []
    with pytest.raises(DBAPIError, match="not now"):
        await database.transact(fail(code, 1, tried))
    assert tried == [await database.transact(pid)]


async def test_a_value_that_the_driver_refuses_is_no_fault_of_the_database(database: PostgresqlDatabase) -> None:
    """What cannot be sent, such as a number that is too large, is told as a row that PostgreSQL refuses."""
    tried: list[int] = []

    def work(connection: Connection) -> None:
        tried.append(pid(connection))
        connection.execute(text("SELECT CAST(:number AS BIGINT)"), {"number": 2**70})

    with pytest.raises(DBAPIError, match="int64"):
        await database.transact(work)
    assert tried == [await database.transact(pid)]


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("25006", "it cannot be written to: it is a standby, or default_transaction_read_only is on. Let DATABASE_URL"),
        ("53100", "its disk is full: free some space there;"),
        ("58030", "look at it, its network and DATABASE_URL;"),
    ],
)
async def test_what_is_wrong_with_the_database_is_told(database: PostgresqlDatabase, code: str, advice: str) -> None:
    """With PostgreSQL's words, where it is and what to do; the connection is given up, and the next one is asked."""
    tried: list[int] = []
    with pytest.raises(StoreUnavailableError) as caught:
        await database.transact(fail(code, 1, tried))
    assert re.match(
        rf"PostgreSQL at 127\.0\.0\.1:\d+ cannot be used \(.*not now.*\): {re.escape(advice)}", str(caught.value)
    )
    assert str(caught.value).endswith("; the app goes on by itself when it is back")
    assert await database.transact(fail(code, 1, tried)) == "done"
    assert tried[0] != tried[1]


async def test_after_a_failover_no_old_connection_is_used(database: PostgresqlDatabase) -> None:
    """1. All connections are in use; 2. one is told that the server may not be written to; 3. all are made anew."""
    before = set(await asyncio.gather(*(database.transact(nap(0.05)) for _ in range(2))))
    with pytest.raises(StoreUnavailableError, match="cannot be written to"):
        await database.transact(fail("25006", 1, []))
    after = set(await asyncio.gather(*(database.transact(nap(0.05)) for _ in range(2))))
    assert (len(before), len(after), before & after) == (2, 2, set())


async def test_after_silence_no_old_connection_is_used(database: PostgresqlDatabase) -> None:
    """Where one falls silent, the way to the server may be gone for all: none is tried that is as old."""
    before = set(await asyncio.gather(*(database.transact(nap(0.05)) for _ in range(2))))
    database._patience_seconds = 0.1
    with pytest.raises(StoreUnavailableError, match="TimeoutError"):
        await database.transact(nap(600))
    database._patience_seconds = PATIENT_SECONDS
    after = set(await asyncio.gather(*(database.transact(nap(0.05)) for _ in range(2))))
    assert (len(before), len(after), before & after) == (2, 2, set())


async def test_a_caller_that_is_gone_leaves_no_work_half_done(database: PostgresqlDatabase, url: URL) -> None:
    """1. A transaction is under way; 2. who waits for it is cancelled; 3. it is committed all the same."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
        loop.call_soon(begun.set)
        connection.execute(text("SELECT pg_sleep(0.05)"))

    asked = asyncio.create_task(database.transact(work))
    await begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    there = text("SELECT to_regclass('t') IS NOT NULL")
    await until_answer(lambda: database.transact(lambda connection: connection.execute(there).scalar_one()))
