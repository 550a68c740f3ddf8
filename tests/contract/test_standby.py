"""With a synchronous standby nothing is acknowledged before the standby has it: no original, no duplicate, no end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anchorbolt.errors import StoreUnknownError
from anchorbolt.inbox.accept import Accepted
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from sqlalchemy.engine import make_url

from tests.contract.conftest import LEASE_SECONDS
from tests.contract.steps import accept, accept_of, complete_of, hold, item
from tests.support.postgresql import PostgreSQL
from tests.support.standby import Standby
from tests.support.waiting import until

KEY = "A1:Ev-the-one"
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class Pair:
    """A primary, its standby, and an empty inbox in both."""

    def __init__(self, primary: PostgreSQL, standby: Standby) -> None:
        self.primary = primary
        self.standby = standby
        self.url = primary.new_database()
        self._database = str(make_url(self.url).database)

    def waiting(self) -> set[str]:
        """The primary's processes that wait for the standby."""
        return set(self.primary.query("postgres", WAITING).split())

    def state_of(self, server: PostgreSQL, key: str = KEY) -> str:
        """What a server has of a delivery: its state, or nothing."""
        return server.query(self._database, f"SELECT state FROM delivery WHERE key = '{key}'").strip()

    async def crash_the_primary(self) -> None:
        """Kills it and starts it again: what it had written before is committed from now on."""
        await asyncio.to_thread(self.primary.stop, signal.SIGQUIT)
        await asyncio.to_thread(self.primary.start)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Inbox]:
        """A process's view of the inbox."""
        inbox = Inbox(PostgresqlDatabase(make_url(self.url)), lease_seconds=LEASE_SECONDS)
        await inbox.open()
        try:
            yield inbox
        finally:
            await inbox.close()

    async def until_waits(self, future: asyncio.Future[Any]) -> set[str]:
        """Until what was asked for waits for the standby. Fails when it is answered instead."""
        found = await until(lambda: {"answered"} if future.done() else self.waiting(), what="it waits for the standby")
        assert not future.done()
        return found


@pytest.fixture
def servers(installed_postgres: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostgreSQL, Standby]]:
    """A primary and a standby that it waits for."""
    primary = PostgreSQL(tmp_path_factory.mktemp("primary"))
    primary.start()
    standby = Standby(tmp_path_factory.mktemp("standby"), primary)
    standby.start()
    yield primary, standby
    standby.stop()
    primary.stop(signal.SIGQUIT)


@pytest.fixture
async def pair(servers: tuple[PostgreSQL, Standby]) -> Pair:
    """Both, with the schema."""
    pair = Pair(*servers)
    database = PostgresqlDatabase(make_url(pair.url))
    await database.migrate()
    await database.close()
    return pair


def asked(inbox: Inbox) -> asyncio.Future[Accepted]:
    """The one delivery, as Slack sends it the first time and again."""
    return inbox.accept(item(key=KEY), inbox.store.clock() + 60)


async def store_without_standby(pair: Pair) -> None:
    """The primary has the delivery and shows it; the standby does not, and its receiver is frozen."""
    async with pair.process() as first:
        pair.standby.freeze()
        original = asked(first)
        await pair.until_waits(original)
        await asyncio.to_thread(pair.primary.stop, signal.SIGQUIT)
    await asyncio.to_thread(pair.primary.start)
    assert pair.state_of(pair.primary) == "live"
    assert pair.state_of(pair.standby) == ""


async def test_a_retry_waits_for_the_standby_after_a_crash(pair: Pair) -> None:
    """The standby lacks the event, the primary was killed and restarted: Slack's retry is not answered before the
    standby has the event."""
    await store_without_standby(pair)
    async with pair.process() as second:
        again = asked(second)
        await pair.until_waits(again)
        assert pair.state_of(pair.standby) == ""
        pair.standby.thaw()
        assert not (await again).new
        await until(lambda: pair.state_of(pair.standby) == "live", what="the standby has it")


async def test_a_retry_in_a_transaction_waits_for_the_standby(pair: Pair) -> None:
    """The same where a transaction stores the group, as behind a pooler and after an unknown commit."""
    await store_without_standby(pair)
    async with pair.process() as second:
        again = asyncio.ensure_future(accept_of(second)([item(key=KEY)], in_doubt=False))
        await pair.until_waits(again)
        again.cancel()
        pair.standby.thaw()


async def test_a_cancelled_wait_is_no_answer(pair: Pair) -> None:
    """PostgreSQL reports a commit whose wait somebody cancelled as done. It is not: the original waits again."""
    async with pair.process() as inbox:
        pair.standby.freeze()
        original = asked(inbox)
        first = await pair.until_waits(original)
        pair.primary.query("postgres", f"SELECT pg_cancel_backend(pid) FROM ({WAITING}) waiting")
        await until(lambda: original.done() or pair.waiting() - first, what="another transaction waits")
        assert not original.done()
        assert pair.state_of(pair.standby) == ""
        pair.standby.thaw()
        assert (await original).new
        await until(lambda: pair.state_of(pair.standby) == "live", what="the standby has it")


async def test_an_end_that_is_found_written_waits_for_the_standby(pair: Pair) -> None:
    """A commit in doubt had written an end. It is known as written once the standby has it, because a recorded end
    must not be run again."""
    async with pair.process() as inbox:
        held = await hold(inbox, key=KEY)
        outcome = Outcome(held.lease, held.stored.id, End.DONE, attempt=held.stored.attempts)
        pair.standby.freeze()
        ending = asyncio.ensure_future(complete_of(inbox)([outcome], in_doubt=False))
        await pair.until_waits(ending)
        await asyncio.to_thread(pair.primary.stop, signal.SIGQUIT)
        with pytest.raises(StoreUnknownError):
            await ending
        await asyncio.to_thread(pair.primary.start)
        assert pair.state_of(pair.primary) == "done"
        again = asyncio.ensure_future(complete_of(inbox)([outcome], in_doubt=True))
        await pair.until_waits(again)
        again.cancel()
        pair.standby.thaw()


async def test_only_groups_of_duplicates_pay(pair: Pair) -> None:
    """A group with anything new in it sends no message: its own commit waits already."""
    async with pair.process() as inbox:
        before = messages(pair.primary)
        await accept(inbox, item(key=KEY))
        await accept(inbox, item(key=KEY, lane="C1"), item(lane="C2"))
        assert messages(pair.primary) == before
        await accept(inbox, item(key=KEY))
        assert messages(pair.primary) == before + 1


def messages(primary: PostgreSQL) -> int:
    """How many messages are in the write-ahead log."""
    primary.query("postgres", "CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    sql = (
        "SELECT count(*) FROM pg_get_wal_records_info("
        "(SELECT redo_lsn FROM pg_control_checkpoint()), pg_current_wal_flush_lsn())"
        " WHERE resource_manager = 'LogicalMessage'"
    )
    return int(primary.query("postgres", sql))
