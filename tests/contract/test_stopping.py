"""What operators do to what runs or waits, in one way in all databases: nothing is lost, and no lane runs twice."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.inbox.parking import Parking
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.stopping import Found, Stopping
from anchorbolt.inbox.tables import delivery, lane
from sqlalchemy import Connection, select, update
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


async def test_of_what_is_discarded_nothing_is_left_but_its_key(inbox: Inbox) -> None:
    """What was skipped is a dead letter, and keeps all that a replay needs."""
    await hold(inbox, "C1", "A1:Ev1")
    await accept(inbox, item("C1", "A1:Ev2"), item("C1", "A1:Ev3"))
    written = update(delivery).values(headers="planted", history="planted")
    await inbox.store.transact(lambda connection: connection.execute(written) and None)
    await stop(inbox, "A1:Ev2", "done")
    await stop(inbox, "A1:Ev3", "dead")
    kept = select(delivery.c.body, delivery.c.headers, delivery.c.history).order_by(delivery.c.id)
    rows = await inbox.store.transact(lambda c: [tuple(row) for row in c.execute(kept)])
    assert rows[1:] == [(None, None, None), ('{"key":"A1:Ev3"}', "planted", "planted")]


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


async def asked(inbox: Inbox, owner: str | None = None) -> dict[int, str]:
    """What an owner is to cancel, and who said so."""
    return await inbox.store.transact(lambda connection: STOPPING.asked(connection, owner or inbox.owner))


async def test_who_runs_a_delivery_is_asked_to_cancel_it(inbox: Inbox) -> None:
    """It, and no other process; also where something else of its lane is skipped meanwhile. What else runs goes on."""
    held = await hold(inbox, "C1", "A1:Ev1")
    await hold(inbox, "C2", "A1:Ev-other")
    await accept(inbox, item("C1", "A1:Ev2"))
    assert await ask(inbox, "A1:Ev1") == "running"
    await stop(inbox, "A1:Ev2", "dead")
    assert await asked(inbox) == {held.stored.id: "ann"}
    assert await asked(inbox, "another") == {}


async def test_who_runs_a_delivery_is_named(inbox: Inbox) -> None:
    """With since when; of what waits behind it nobody is, whoever holds its lane."""
    await hold(inbox, "C1", "A1:Ev1")
    await accept(inbox, item("C1", "A1:Ev2"))
    runs, waits = await find(inbox, "A1:Ev1"), await find(inbox, "A1:Ev2")
    assert (runs.key, runs.state, runs.lane, runs.owner) == ("A1:Ev1", "running", "C1", inbox.owner)
    assert runs.seconds is not None
    assert 0 <= runs.seconds < 30
    assert (waits.key, waits.state, waits.owner, waits.seconds) == ("A1:Ev2", "waiting", None, None)


async def test_what_follows_in_its_lane_runs_since_it_followed(inbox: Inbox) -> None:
    """Not since it arrived: it may have waited for long behind what ran before it."""
    held = await hold(inbox, "C1", "A1:Ev1")
    await accept(inbox, item("C1", "A1:Ev2"))
    await inbox.store.transact(lambda c: c.execute(update(delivery).values(received_at=now() - 1000)) and None)
    assert (await end(inbox, held, go_on=True)).following is not None
    runs = await find(inbox, "A1:Ev2")
    assert runs.seconds is not None
    assert 0 <= runs.seconds < 100


async def test_what_runs_in_a_lane_is_cancelled_by_its_name(inbox: Inbox) -> None:
    """The oldest of what is in it; where nothing runs, there is nothing to cancel."""
    held = await hold(inbox, "C1")
    await accept(inbox, item("C1"), item("C2", take=False))
    lanes = ("C1", "C2", "C3")
    done = [await inbox.store.transact(lambda c, name=name: STOPPING.cancel_lane(c, name, "ann")) for name in lanes]
    assert done == [True, False, False]
    assert await asked(inbox) == {held.stored.id: "ann"}


async def test_a_lane_that_waits_can_be_run_now(inbox: Inbox) -> None:
    """Whether it backs off or is parked; one that runs goes on, and one that is not there is told of."""
    await end(inbox, await hold(inbox, "C1", "A1:Ev1"), End.RETRY, delay=600)
    held = await hold(inbox, "C2", "A1:Ev2")
    await inbox.complete(Outcome(held.lease, held.stored.id, End.HELD, "it waits", 600, False, 1, "hold:app.on"))
    await hold(inbox, "C3", "A1:Ev3")
    assert await claim(inbox) == []
    lanes = ("C1", "C2", "C3", "C4")
    done = [await inbox.store.transact(lambda c, name=name: STOPPING.run_now(c, name)) for name in lanes]
    assert done == [True, True, False, False]
    assert await inbox.store.transact(Parking().waiting) == {}
    assert sorted(keys(await claim(inbox))) == ["A1:Ev1", "A1:Ev2"]


@pytest.mark.parametrize("name", ["A1:Ev9", "999999999999999999", "9" * 19, "٣"])
async def test_what_is_not_there_is_not_found(inbox: Inbox, name: str) -> None:
    """A number may be an id, if it is one that a database can have."""
    held = await hold(inbox, "C1", "A1:Ev1")
    assert await inbox.store.transact(lambda connection: STOPPING.find(connection, name)) is None
    assert (await find(inbox, str(held.stored.id))).key == "A1:Ev1"


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


async def test_a_cancellation_that_comes_too_late_ends_with_the_run(inbox: Inbox) -> None:
    """What died by itself before it could be cancelled runs when it is replayed, though its lane was never empty."""
    held = await hold(inbox, "C1", "A1:Ev1")
    await accept(inbox, item("C1", "A1:Ev2"))
    assert await ask(inbox, "A1:Ev1") == "running"
    await end(inbox, held, End.DEAD)
    assert await inbox.store.transact(lambda c: Admin(inbox.database.dialect).replay(c, [held.stored.id])) == 1
    (again,) = await claim(inbox)
    assert (again.stored.key, again.cancelled_by) == ("A1:Ev1", None)


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


async def test_a_delivery_that_ends_while_it_is_looked_for_is_found_as_it_ended(shared_postgres: PostgreSQL) -> None:
    """Who waits for the lane of a run of PostgreSQL sees what the run came to, and not what it was before."""
    url = shared_postgres.new_database()
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
