"""What operators do to what runs or waits, in one way in all databases: nothing is lost, and no lane runs twice."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.stopping import Found, Stopping
from anchorbolt.inbox.tables import lane
from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url

from tests.contract.conftest import LEASE_SECONDS
from tests.contract.steps import accept, claim, counts, end, hold, item, keys
from tests.support.postgresql import PostgreSQL
from tests.support.waiting import until_answer

STOPPING = Stopping()


async def find(inbox: Inbox, key: str) -> Found:
    """How a delivery is found."""
    found = await inbox.store.transact(lambda c: STOPPING.find(c, key))
    assert found is not None
    return found


async def stop(inbox: Inbox, key: str, state: str) -> Found:
    """What skip (dead) and discard (done) do to what waits."""

    def work(connection: Connection) -> Found:
        found = STOPPING.find(connection, key)
        assert found is not None
        assert found.state == "waiting"
        assert STOPPING.end(connection, found, state, "skipped by ann")
        return found

    return await inbox.store.transact(work)


async def ask(inbox: Inbox, key: str) -> str:
    """What cancel does; in which state it found the delivery."""

    def work(connection: Connection) -> str:
        found = STOPPING.find(connection, key)
        assert found is not None
        if found.state == "running":
            STOPPING.cancel(connection, found, "ann")
        return found.state

    return await inbox.store.transact(work)


@pytest.mark.parametrize("state", ["dead", "done"])
async def test_what_waits_behind_a_run_ends_without_that_run(inbox: Inbox, state: str) -> None:
    """Its lane stays leased: nobody else can claim what runs in it, and the run ends as ever."""
    held = await hold(inbox, "C1", "A1:Ev1")
    await accept(inbox, item("C1", "A1:Ev2"), item("C1", "A1:Ev3"))
    await stop(inbox, "A1:Ev2", state)
    assert await claim(inbox) == []
    completed = await end(inbox, held, go_on=True)
    assert completed.written
    assert completed.following is not None
    assert completed.following.stored.key == "A1:Ev3"


async def test_the_head_of_a_lane_that_waits_is_skipped(inbox: Inbox) -> None:
    """What is behind it can be claimed at once, and a lane with nothing left is gone."""
    await end(inbox, await hold(inbox, "C1", "A1:Ev1"), End.RETRY, delay=900)
    await accept(inbox, item("C1", "A1:Ev2"))
    assert await claim(inbox) == []
    await stop(inbox, "A1:Ev1", "dead")
    (held,) = await claim(inbox)
    assert held.stored.key == "A1:Ev2"
    await end(inbox, held, End.RETRY, delay=900)
    await stop(inbox, "A1:Ev2", "done")
    assert await inbox.store.transact(lambda c: c.execute(select(lane)).all()) == []
    assert await counts(inbox) == {"waiting": 0, "running": 0, "dead": 1, "done": 1}


@pytest.mark.parametrize("state", ["dead", "done"])
async def test_what_has_ended_meanwhile_keeps_its_end(inbox: Inbox, state: str) -> None:
    """An operator who comes too late changes nothing, and what is behind is still there to be run."""
    await end(inbox, await hold(inbox, "C1", "A1:Ev1"), End.RETRY)
    await accept(inbox, item("C1", "A1:Ev2"))
    found = await find(inbox, "A1:Ev1")
    assert found.state == "waiting"
    (held,) = await claim(inbox)
    await end(inbox, held)
    assert not await inbox.store.transact(lambda c: STOPPING.end(c, found, state, "too late"))
    assert await counts(inbox) == {"waiting": 1, "running": 0, "dead": 0, "done": 1}
    assert keys(await claim(inbox)) == ["A1:Ev2"]


async def test_whoever_takes_a_lane_over_is_told_of_the_cancellation(inbox: Inbox) -> None:
    """The claim says who has cancelled the delivery, so that it does not begin; its end ends the cancellation."""
    held = await hold(inbox, "C1", "A1:Ev1")
    await accept(inbox, item("C1", "A1:Ev2"))
    assert await ask(inbox, "A1:Ev1") == "running"
    await end(inbox, held, End.HANDED_BACK)
    (again,) = await claim(inbox)
    assert (again.stored.key, again.cancelled_by) == ("A1:Ev1", "ann")
    await inbox.complete(_cancelled(again))
    (behind,) = await claim(inbox)
    assert (behind.stored.key, behind.cancelled_by) == ("A1:Ev2", None)


async def test_a_cancellation_ends_with_its_delivery_however_that_ends(inbox: Inbox) -> None:
    """What was skipped before it could be cancelled runs when it is replayed, though its lane was never empty."""
    held = await hold(inbox, "C1", "A1:Ev1")
    await accept(inbox, item("C1", "A1:Ev2"))
    await ask(inbox, "A1:Ev1")
    await end(inbox, held, End.HANDED_BACK)
    found = await stop(inbox, "A1:Ev1", "dead")
    assert await inbox.store.transact(lambda c: Admin(inbox.database.dialect).replay(c, [found.id])) == 1
    (again,) = await claim(inbox)
    assert (again.stored.key, again.cancelled_by) == ("A1:Ev1", None)


async def test_a_delivery_that_ends_while_it_is_looked_for_is_found_as_it_ended(postgres: PostgreSQL) -> None:
    """Who waits for the lane of a run of PostgreSQL sees what the run came to, and not what it was before."""
    url = postgres.new_database()
    database = PostgresqlDatabase(make_url(url))
    await database.migrate()
    inbox = Inbox(database, lease_seconds=LEASE_SECONDS)
    await inbox.open()
    beside = await asyncpg.connect(url.replace("+asyncpg", ""))
    watcher = await asyncpg.connect(url.replace("+asyncpg", ""))
    await hold(inbox, "C1", "A1:Ev1")
    await accept(inbox, item("C1", "A1:Ev2"))
    async with beside.transaction():  # what the end of a run does that goes on with the next delivery
        await beside.execute("SELECT FROM lane FOR UPDATE")
        looking = asyncio.create_task(find(inbox, "A1:Ev1"))
        waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        await until_answer(lambda: watcher.fetchval(waits), what="it waits for the lane")
        await beside.execute("UPDATE delivery SET state = 'done', ended_at = 1 WHERE key = 'A1:Ev1'")
        await beside.execute("UPDATE lane SET pending = 1")
    assert (await looking).state == "done"
    for one in (beside, watcher, inbox):
        await one.close()


def _cancelled(held: Held) -> Outcome:
    return Outcome(held.lease, held.stored.id, End.CANCELLED, "cancelled by ann", attempt=held.stored.attempts)
