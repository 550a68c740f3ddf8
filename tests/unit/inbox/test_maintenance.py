"""What the inbox does by itself, without anybody who asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.retention import Retention
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.tables import delivery
from sqlalchemy import func, insert, select

from tests.support.loop_time import LoopTime
from tests.support.waiting import until, until_answer

HOUR = 3600.0


class Clock:
    """Seconds, as a test sets them."""

    now = 1_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the database and of the inbox."""
    return Clock()


@pytest.fixture
async def database(tmp_path: Path, clock: Clock) -> AsyncIterator[SqliteDatabase]:
    """An empty one in a file, which keeps what it holds when it is closed for a while."""
    database = SqliteDatabase(tmp_path / "inbox.db", clock=clock)
    await database.open()
    await database.migrate()
    yield database
    await database.close()


async def ended(database: SqliteDatabase, state: str, count: int, ended_at: float) -> None:
    """Stores deliveries that have ended at that time."""
    rows = [
        {
            "key": f"{state} {ended_at} {n}",
            "lane": "lane",
            "kind": "event",
            "content_type": "application/json",
            "received_at": ended_at,
            "ended_at": ended_at,
            "state": state,
            "attempts": 1,
            "crashes": 0,
        }
        for n in range(count)
    ]
    await database.transact(lambda connection: connection.execute(insert(delivery), rows))


async def counts(database: SqliteDatabase) -> dict[str, int]:
    """How many deliveries there are in each state."""
    statement = select(delivery.c.state, func.count().label("n")).group_by(delivery.c.state)
    found = await database.transact(lambda connection: connection.execute(statement).all())
    return {row.state: row.n for row in found}


async def test_what_ended_long_ago_goes_by_itself(database: SqliteDatabase, clock: Clock) -> None:
    """Tombstones and dead letters go when their time is over, one small batch after the other; others stay."""
    await ended(database, "done", 1200, clock.now - 27 * HOUR)
    await ended(database, "done", 2, clock.now - 25 * HOUR)
    await ended(database, "dead", 3, clock.now - 31 * 24 * HOUR)
    await ended(database, "dead", 4, clock.now - 27 * HOUR)
    inbox = Inbox(database, lease_seconds=30, retention=Retention(26 * HOUR, 30 * 24 * HOUR), clock=clock)
    time = LoopTime()
    await inbox.open()

    async def only_the_young_are_left() -> bool:
        return await counts(database) == {"done": 2, "dead": 4}

    await until_answer(only_the_young_are_left, what="all that is old is gone")
    # Two hours later it is the turn of the others; it looks once or twice a minute.
    clock.now += 2 * HOUR
    time.add(120)

    async def no_tombstone_is_left() -> bool:
        return await counts(database) == {"dead": 4}

    await until_answer(no_tombstone_is_left, what="what has become old is gone")
    await inbox.close()


async def test_no_transaction_deletes_much(database: SqliteDatabase, clock: Clock) -> None:
    """Whoever writes meanwhile need not wait for thousands of rows."""
    await ended(database, "done", 1200, clock.now - 27 * HOUR)
    retention = Retention(26 * HOUR, 30 * 24 * HOUR)
    assert [await database.transact(retention) for _ in range(4)] == [500, 500, 200, 0]


async def test_the_counts_for_the_metrics_are_counted_again(database: SqliteDatabase, clock: Clock) -> None:
    """What an alert is made of is some seconds old at most."""
    inbox = Inbox(database, lease_seconds=30, clock=clock)
    time = LoopTime()
    await inbox.open()
    stats = await until(lambda: inbox.stats, what="it has counted")
    assert stats.waiting == 0
    await inbox.accept(Item("A1:Ev1", "lane", "event", "application/json", "{}"), 1e12)
    time.add(15)
    await until(lambda: inbox.stats is not None and inbox.stats.waiting == 1, what="it has counted again")
    await inbox.close()


async def test_a_database_that_is_back_is_noticed(
    database: SqliteDatabase, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody need fail to find that out: a pod that was told of nothing else serves again."""
    inbox = Inbox(database, lease_seconds=30, clock=clock)
    time = LoopTime()
    await inbox.open()

    async def away(*_: object) -> None:
        raise StoreUnavailableError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(database, "transact", away)
        with pytest.raises(StoreUnavailableError):
            await inbox.probe()
        assert not inbox.up
    time.add(1)
    await until(lambda: inbox.up, what="it is known to be back")
    await inbox.close()
