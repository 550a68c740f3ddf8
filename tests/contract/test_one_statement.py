"""On PostgreSQL the usual group is one statement without BEGIN and COMMIT, and keeps what a transaction keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from unittest import mock

import asyncpg
import pytest
from anchorbolt.errors import StoreUnavailableError, StoreUnknownError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.postgresql import database as postgresql_database
from anchorbolt.inbox.postgresql.accept import RACED, PostgresqlAccept
from anchorbolt.inbox.postgresql.complete import PostgresqlComplete
from anchorbolt.inbox.tables import lane
from sqlalchemy import Connection, update
from sqlalchemy.engine import make_url

from tests.contract.conftest import LEASE_SECONDS
from tests.contract.steps import accept, accept_of, claim, complete_of, counts, end, hold, item, keys
from tests.support.asked import asked
from tests.support.postgresql import PostgreSQL
from tests.support.relay import AtCommit, Relay
from tests.support.waiting import until, until_answer

BEGUN = "BEGIN;"


@pytest.fixture
def url(shared_postgres: PostgreSQL) -> str:
    """An empty inbox."""
    return shared_postgres.new_inbox()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Inbox]:
    """A process's view of it, that has accepted and completed before."""
    inbox = Inbox(PostgresqlDatabase(make_url(url)), lease_seconds=LEASE_SECONDS)
    await inbox.open()
    await end(inbox, await hold(inbox, "C-before"))
    await until(lambda: inbox.stats is not None, what="it has counted what is there: for some seconds it asks nothing")
    yield inbox
    await inbox.close()


@pytest.fixture
async def inbox(url: str) -> AsyncIterator[Inbox]:
    """One of them."""
    async with opened(url) as inbox:
        yield inbox


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement gives up the wait for a lock while the test looks, however busy the machine is."""
    monkeypatch.setitem(postgresql_database.LIMITS, "lock_timeout", "60s")
    monkeypatch.setattr(postgresql_database, "SILENT_SECONDS", 60.0)


@pytest.fixture
async def beside(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody else."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def until_waits(beside: asyncpg.Connection, so_many: int = 1) -> None:
    """Until so many wait for a lock."""
    waiting = f"SELECT count(*) >= {so_many} FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    await until_answer(lambda: beside.fetchval(waiting), what=f"{so_many} wait for a lock")


@contextmanager
def noting_errors(inbox: Inbox, told: list[BaseException]) -> Iterator[None]:
    """What the database raises instead of an answer."""

    def noting(ask: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def note(*arguments: object) -> object:
            try:
                return await ask(*arguments)
            except Exception as error:
                told.append(error)
                raise

        return note

    database = inbox.database
    with (
        mock.patch.object(database, "execute", noting(database.execute)),
        mock.patch.object(database, "transact", noting(database.transact)),
    ):
        yield


INSERT = """
INSERT INTO delivery (key, lane, kind, content_type, received_at, state, attempts, crashes)
VALUES ('A1:Ev-same', 'C-other', 'event', 'application/json', 0, 'done', 1, 0)
"""


INSERT_LIVE = """
INSERT INTO delivery (key, lane, kind, content_type, body, received_at, state, attempts, crashes)
VALUES ($1, 'C1', 'event', 'application/json', '{}', 0, 'live', 0, 0)
"""


async def pending(beside: asyncpg.Connection) -> dict[str, int]:
    """How much each lane counts."""
    return dict(await beside.fetch("SELECT name, pending FROM lane"))


def is_asked_again(seen: list[str], statement: str) -> bool:
    """Whether a statement was sent alone, once, and then in a transaction.

    The probe that looks whether the database is back opens a transaction too, at any time after the break.
    """
    found = [one for one in seen if one in (statement, BEGUN)]
    return found[:2] == [statement, BEGUN] and found.count(statement) == 1


class TestAccept:
    """A group is stored by one statement."""

    async def test_it_is_one_round_trip(self, inbox: Inbox) -> None:
        """Whatever is in the group but twins: what runs here, what waits for a place, what is behind another."""
        held = await hold(inbox, "C1")
        with asked() as seen:
            answers = await accept(inbox, item("C1"), item("C2"), item("C3", take=False), item("C2"))
        assert seen == ["WITH fresh"]
        assert [(one.new, one.held is not None, one.waiting) for one in answers] == [
            (True, False, False),
            (True, True, False),
            (True, False, True),
            (True, False, False),
        ]
        assert answers[1].held is not None
        assert (await end(inbox, answers[1].held, go_on=True)).following is not None
        assert (await end(inbox, held)).written

    async def test_what_slack_sends_again_costs_no_more(self, inbox: Inbox, beside: asyncpg.Connection) -> None:
        """A retry in a group is told as one, its lane is left as it is, and the group is one statement all the same."""
        held = await hold(inbox, "C1", "A1:Ev-runs")
        await end(inbox, await hold(inbox, "C2", "A1:Ev-done"))
        with asked() as seen:
            answers = await accept(
                inbox, item("C1", "A1:Ev-runs"), item("C2", "A1:Ev-done"), item("C2", "A1:Ev-new"), item("C3")
            )
            again = await accept(inbox, item("C1", "A1:Ev-runs"), item("C2", "A1:Ev-done"))
        assert seen == ["WITH fresh"] * 2
        assert [one.new for one in (*answers, *again)] == [False, False, True, True, False, False]
        assert [one.held.stored.attempts if one.held else None for one in answers] == [None, None, 1, 1]
        assert await pending(beside) == {"C1": 1, "C2": 1, "C3": 1}
        assert (await end(inbox, held)).written

    async def test_twins_take_a_transaction(self, inbox: Inbox) -> None:
        """Two with one key in a group are known before anything is sent."""
        began = inbox.store.clock()
        with asked() as seen:
            answers = await accept(inbox, item("C1", "A1:Ev-twin"), item("C1", "A1:Ev-twin"))
        assert seen[0] == BEGUN
        assert [one.new for one in answers] == [True, False]
        assert answers[0].held is not None
        assert began <= answers[0].held.sent_at <= inbox.store.clock()
        assert answers[0].held.stored.received_at > 0
        await end(inbox, answers[0].held, End.RETRY)
        assert [one.stored.attempts for one in await claim(inbox)] == [2]
        waits = item("C2", "A1:Ev-waits", take=False)
        assert [one.waiting for one in await accept(inbox, waits, waits)] == [True, True]
        assert keys(await claim(inbox)) == ["A1:Ev-waits"]

    async def test_a_retry_in_the_same_moment_undoes_the_statement(
        self, inbox: Inbox, beside: asyncpg.Connection, shared_postgres: PostgreSQL
    ) -> None:
        """What another process stores while we do is a duplicate, and its lane is counted as if it had not come."""
        stored = beside.transaction()
        await stored.start()
        await beside.execute(INSERT)
        with asked() as seen:
            accepting = asyncio.ensure_future(accept(inbox, item("C1", "A1:Ev-same"), item("C1"), item("C2")))
            await until_waits(beside)
            await stored.commit()
            answers = await accepting
        assert [one.new for one in answers] == [False, True, True]
        assert [one.held is not None for one in answers] == [False, True, True]
        assert await pending(beside) == {"C1": 1, "C2": 1}
        assert is_asked_again(seen, "WITH fresh")
        assert RACED in shared_postgres.said()

    async def test_a_lane_that_is_held_elsewhere(self, inbox: Inbox, url: str) -> None:
        """What arrives in it is stored, is not ours to run, and nobody need be woken for it."""
        async with opened(url) as other:
            held = await hold(other, "C1")
            (answer,) = await accept(inbox, item("C1", "A1:Ev-behind"))
            assert (answer.new, answer.held, answer.waiting) == (True, None, False)
            completed = await end(other, held, go_on=True)
            assert completed.following is not None
            assert completed.following.stored.key == "A1:Ev-behind"

    async def test_no_id_before_every_lane_is_locked(
        self, patient: None, inbox: Inbox, url: str, beside: asyncpg.Connection
    ) -> None:
        """Within a lane ids grow in the order of the commits: 1. a group waits for the last of its lanes, and has no id
        yet; 2. another group is behind it in the first; 3. both are stored in this order."""
        await hold(inbox, "C1", "A1:Ev-1")
        await hold(inbox, "C9", "A1:Ev-9")
        last = "SELECT last_value FROM delivery_id_seq"
        async with opened(url) as other:
            before = await beside.fetchval(last)
            async with beside.transaction():
                await beside.execute("SELECT FROM lane WHERE name = 'C9' FOR UPDATE")
                first = asyncio.ensure_future(
                    accept(inbox, *(item("C1", f"A1:Ev-first-{n}") for n in "ab"), item("C9"))
                )
                await until_waits(beside)
                second = asyncio.ensure_future(accept(other, item("C1", "A1:Ev-second")))
                await until_waits(beside, 2)
                assert await beside.fetchval(last) == before
            await asyncio.gather(first, second)
            stored = await beside.fetch("SELECT key FROM delivery WHERE lane = 'C1' ORDER BY id")
            assert [key for (key,) in stored] == ["A1:Ev-1", "A1:Ev-first-a", "A1:Ev-first-b", "A1:Ev-second"]

    async def test_it_may_be_the_first_of_its_connection(self, url: str) -> None:
        """No transaction has to come before it: a connection is made whenever all others are in use."""
        inbox = Inbox(PostgresqlDatabase(make_url(url)), lease_seconds=LEASE_SECONDS)
        accepting = accept_of(inbox)
        assert isinstance(accepting, PostgresqlAccept)
        answers = await accepting.in_one_statement(1, 0.0, [item()])
        assert answers is not None
        assert answers[0].new
        await inbox.database.close()

    async def test_behind_a_pooler_it_is_a_transaction(self, url: str) -> None:
        """A pooler keeps neither plans nor limits for a statement alone: accepts and ends go the way of SQLite."""
        pooled = PostgresqlDatabase(make_url(url), pooled=True)
        inbox = Inbox(pooled, lease_seconds=LEASE_SECONDS)
        await inbox.open()
        with asked() as seen:
            (accepted,) = await accept(inbox, item("C1"))
            assert accepted.held is not None
            assert (await end(inbox, accepted.held)).written
        await inbox.close()
        assert seen.count(BEGUN) >= 2
        assert not {"WITH fresh", "WITH held"} & set(seen)

    async def test_while_the_store_is_down_a_transaction_finds_out(self, inbox: Inbox) -> None:
        """Whether it is back is not for a statement to tell, which may find nothing to write."""
        inbox.store.up = False
        with asked() as seen:
            await accept(inbox, item("C1"))
        assert seen[0] == BEGUN
        assert inbox.up


class TestComplete:
    """A group of ends is written by one statement; what it cannot do, by a transaction after it."""

    @pytest.mark.parametrize("how", list(End))
    async def test_it_is_one_round_trip(self, inbox: Inbox, how: End) -> None:
        """However runs end: lanes that are empty then, that go on here, and that are left to whoever claims them."""
        (alone, goes_on, left) = [await hold(inbox, lane, f"A1:Ev-{lane}") for lane in ("C1", "C2", "C3")]
        await accept(inbox, item("C2", "A1:Ev-next"), item("C3", "A1:Ev-left"))
        with asked() as seen:
            completed = await asyncio.gather(
                end(inbox, alone, how), end(inbox, goes_on, how, go_on=True), end(inbox, left, how)
            )
        assert seen == ["WITH held"]
        assert [one.written for one in completed] == [True] * 3
        is_over = how in (End.DONE, End.DEAD, End.CANCELLED)
        assert [one.freed for one in completed] == [not is_over, not is_over, True]
        following = completed[1].following
        assert (following.stored.key if following else None) == ("A1:Ev-next" if is_over else None)
        claimed = await claim(inbox)
        again = {"A1:Ev-C1", "A1:Ev-C2", "A1:Ev-C3"}
        assert set(keys(claimed)) == ({"A1:Ev-left"} if is_over else again)
        attempts = {End.RETRY: 2, End.HANDED_BACK: 1}.get(how, 1)
        assert {one.stored.attempts for one in claimed} == {attempts}
        while following is not None:
            assert following.stored.attempts == 1
            following = (await end(inbox, following, go_on=True)).following

    async def test_a_lost_lease_is_refused_by_a_transaction(self, inbox: Inbox, beside: asyncpg.Connection) -> None:
        """Its neighbours are written by the statement; it changes nothing of a lane that is another's."""
        lost, kept = await hold(inbox, "C1"), await hold(inbox, "C2")
        await beside.execute("UPDATE lane SET owner = 'another' WHERE name = 'C1'")
        with asked() as seen:
            completed = await asyncio.gather(end(inbox, lost), end(inbox, kept))
        assert [one.written for one in completed] == [False, True]
        assert seen[:2] == ["WITH held", BEGUN]
        assert await pending(beside) == {"C1": 1}
        assert (await counts(inbox))["done"] == 2  # with the one before

    async def test_what_came_while_it_waited_is_run_next(self, inbox: Inbox, beside: asyncpg.Connection) -> None:
        """1. Somebody stores two more in the lane, and 2. a run in it ends before that is committed: its snapshot has
        neither of them, its lane counts them; 3. the first of them is run next, all the same."""
        held, other = await hold(inbox, "C1", "A1:Ev-1"), await hold(inbox, "C2")
        began = inbox.store.clock()
        async with beside.transaction():
            await beside.execute("UPDATE lane SET pending = pending + 2 WHERE name = 'C1'")
            for key in ("A1:Ev-2", "A1:Ev-3"):
                await beside.execute(INSERT_LIVE, key)
            completing = asyncio.gather(end(inbox, held, go_on=True), end(inbox, other, go_on=True))
            await until_waits(beside)
        completed = await completing
        assert [one.written for one in completed] == [True, True]
        following, ran = completed[0].following, []
        assert following is not None
        assert began <= following.sent_at <= inbox.store.clock()
        while following is not None:
            ran.append((following.stored.key, following.stored.attempts))
            following = (await end(inbox, following, go_on=True)).following
        assert ran == [("A1:Ev-2", 1), ("A1:Ev-3", 1)]
        assert await pending(beside) == {}

    @pytest.mark.parametrize(
        ("change", "go_on", "left"),
        [
            ("UPDATE lane SET pending = pending + 1", False, {"C1": 1}),
            ("UPDATE lane SET claimable_at = claimable_at + 1", False, {}),
            ("UPDATE lane SET claimable_at = claimable_at + 1", True, {}),
            ("UPDATE lane SET owner = 'another'", True, {"C1": 1}),
            ("DELETE FROM lane", True, {}),
        ],
        ids=["counted up", "changed", "changed, goes on", "taken over", "gone"],
    )
    async def test_the_lane_as_it_is_counts(
        self, inbox: Inbox, beside: asyncpg.Connection, change: str, go_on: bool, left: dict[str, int]
    ) -> None:
        """A lane that another changes while the statement waits for it is counted, let go of, or not touched, as it is
        by then: not as the snapshot has it."""
        held = await hold(inbox, "C1")
        async with beside.transaction():
            await beside.execute(change)
            completing = asyncio.ensure_future(end(inbox, held, go_on=go_on))
            await until_waits(beside)
        lost = "another" in change or "DELETE" in change
        assert (await completing).written != lost
        assert await pending(beside) == left
        state = "SELECT state FROM delivery WHERE id = $1"
        assert await beside.fetchval(state, held.stored.id) == ("live" if lost else "done")

    async def test_lanes_are_locked_in_one_order(self, inbox: Inbox, beside: asyncpg.Connection) -> None:
        """Groups that hold the same lanes in other orders never wait for each other in a circle: while one waits for
        the first of its lanes by name, it has locked no other one."""
        last, first = await hold(inbox, "C9"), await hold(inbox, "C1")
        async with beside.transaction():
            await beside.execute("SELECT FROM lane WHERE name = 'C1' FOR UPDATE")
            ends = asyncio.gather(end(inbox, last), end(inbox, first))
            await until_waits(beside)
            await beside.execute("SELECT FROM lane WHERE name = 'C9' FOR UPDATE NOWAIT")
        assert [one.written for one in await ends] == [True, True]

    async def test_of_a_group_whose_rest_fails_the_written_is_known(self, inbox: Inbox, url: str) -> None:
        """1. The statement writes one of two; 2. the database is away when the other's transaction begins, twice;
        3. both are told as what they are, and what follows is ours to run."""
        held, lost = await hold(inbox, "C1"), await hold(inbox, "C2")
        await accept(inbox, item("C1", "A1:Ev-next"))
        async with opened(url) as other:
            away = [StoreUnavailableError("away"), StoreUnavailableError("away")]
            transact = inbox.database.transact

            async def fail(work: Callable[[Connection], object]) -> object:
                if away:
                    raise away.pop()
                return await transact(work)

            await inbox.database.transact(
                lambda c: c.execute(update(lane).where(lane.c.name == "C2").values(owner=other.owner)) and None
            )
            with mock.patch.object(inbox.database, "transact", fail):
                completed = await asyncio.gather(end(inbox, held, go_on=True), end(inbox, lost))
        assert away == []
        assert [one.written for one in completed] == [True, False]
        assert completed[0].following is not None
        assert completed[0].following.stored.key == "A1:Ev-next"
        assert (await end(inbox, completed[0].following)).written


@asynccontextmanager
async def over_a_relay(url: str, shared_postgres: PostgreSQL) -> AsyncIterator[tuple[Relay, Inbox]]:
    """An inbox, and what stands between it and its database."""
    async with (
        Relay(shared_postgres.port) as relay,
        opened(make_url(url).set(port=relay.port).render_as_string(hide_password=False)) as inbox,
    ):
        yield relay, inbox


class TestUnknownOutcomes:
    """A connection that breaks while a statement is alone on its way leaves it open whether it is stored."""

    @pytest.mark.parametrize("where", list(AtCommit), ids=["before", "after"])
    async def test_an_accept_without_an_answer_is_in_doubt(
        self, url: str, shared_postgres: PostgreSQL, beside: asyncpg.Connection, where: AtCommit
    ) -> None:
        """It is told as unknown, is asked again in a transaction, and is stored and held once, as a first attempt."""
        async with over_a_relay(url, shared_postgres) as (relay, inbox):
            await relay.break_commits(where)
            told: list[BaseException] = []
            with asked() as seen, noting_errors(inbox, told):
                (first, second) = await accept(inbox, item("C1", "A1:Ev-1"), item("C1", "A1:Ev-2"))
            assert await relay.breaks_left() == 0
            assert [type(error) for error in told] == [StoreUnknownError]
            assert is_asked_again(seen, "WITH fresh")
            assert first.held is not None
            assert (first.held.stored.key, first.held.stored.attempts, second.held) == ("A1:Ev-1", 1, None)
            assert await pending(beside) == {"C1": 2}
            completed = await end(inbox, first.held, go_on=True)
            assert completed.following is not None
            assert completed.following.stored.key == "A1:Ev-2"

    async def test_a_connection_that_is_gone_already_leaves_nothing_open(
        self, inbox: Inbox, beside: asyncpg.Connection
    ) -> None:
        """Where nothing was sent, the database was away, and the deadline holds."""
        told: list[BaseException] = []
        drivers = [await inbox.database.transact(lambda c: c.connection.driver_connection) for _ in range(5)]
        await beside.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await until(
            lambda: all(driver.is_closed() for driver in drivers if driver is not None), what="it is known here"
        )
        with noting_errors(inbox, told):
            (answer,) = await accept(inbox, item("C1"))
        assert [type(error) for error in told] == [StoreUnavailableError]
        assert answer.held is not None

    async def test_a_statement_that_comes_late_changes_nothing(self, inbox: Inbox, beside: asyncpg.Connection) -> None:
        """1. A statement waits for a lane when its connection is given up; 2. a transaction stores the group; 3. the
        statement goes on, and is undone."""
        late = PostgresqlAccept(inbox.store, Owner(inbox.owner, LEASE_SECONDS))
        again = item("C2", "A1:Ev-late")
        await hold(inbox, "C1")
        lock = beside.transaction()
        await lock.start()
        await beside.execute("SELECT FROM lane WHERE name = 'C1' FOR UPDATE")
        waiting = asyncio.ensure_future(late.in_one_statement(77, 0, [item("C1"), again]))
        await until_waits(beside)
        write = accept_of(inbox).in_transaction
        in_doubt = asyncio.ensure_future(inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [again])))
        (answer,) = await in_doubt
        await lock.rollback()
        assert await waiting is None
        assert answer.held is not None
        assert await pending(beside) == {"C1": 1, "C2": 1}

    @pytest.mark.parametrize("where", list(AtCommit), ids=["before", "after"])
    async def test_an_end_without_an_answer_is_in_doubt(
        self, url: str, shared_postgres: PostgreSQL, beside: asyncpg.Connection, where: AtCommit
    ) -> None:
        """It is told as unknown, is written again in a transaction, and counts once; what follows is run once."""
        async with over_a_relay(url, shared_postgres) as (relay, inbox):
            alone, goes_on = await hold(inbox, "C1"), await hold(inbox, "C2")
            await accept(inbox, item("C2", "A1:Ev-2"), item("C2", "A1:Ev-3"))
            await relay.break_commits(where)
            told: list[BaseException] = []
            with asked() as seen, noting_errors(inbox, told):
                completed = await asyncio.gather(end(inbox, alone), end(inbox, goes_on, go_on=True))
            assert await relay.breaks_left() == 0
            assert [type(error) for error in told] == [StoreUnknownError]
            assert is_asked_again(seen, "WITH held")
            assert [one.written for one in completed] == [True, True]
            assert await pending(beside) == {"C2": 2}
            following, ran = completed[1].following, []
            while following is not None:
                ran.append((following.stored.key, following.stored.attempts))
                following = (await end(inbox, following, go_on=True)).following
            assert ran == [("A1:Ev-2", 1), ("A1:Ev-3", 1)]

    async def test_an_end_that_comes_late_changes_nothing(self, inbox: Inbox, beside: asyncpg.Connection) -> None:
        """1. A transaction has written what a statement before it left in doubt, and the next of the lane runs under
        the same lease; 2. the statement arrives: the lane is not counted down once more."""
        held = await hold(inbox, "C1")
        await accept(inbox, item("C1", "A1:Ev-2"))
        outcome = Outcome(held.lease, held.stored.id, End.DONE, go_on=True, attempt=1)
        write = complete_of(inbox).in_transaction
        (completed,) = await inbox.database.transact(lambda c: write(c, 0, [outcome]))
        late = PostgresqlComplete(inbox.store, Owner(inbox.owner, LEASE_SECONDS))
        assert await late.in_one_statement(0, [outcome]) == {}
        assert await pending(beside) == {"C1": 1}
        assert completed.following is not None
        assert (await end(inbox, completed.following)).written


async def accept_twins(inbox: Inbox, held: list[Held]) -> None:
    """Accepts in these lanes, in a transaction."""
    twin = item(held[0].lease.lane)
    await accept(inbox, twin, twin, item(held[1].lease.lane))


async def end_in_a_transaction(inbox: Inbox, held: list[Held]) -> None:
    """Ends these runs, as where the statement could not."""
    outcomes = [Outcome(one.lease, one.stored.id, End.DONE) for one in held]
    write = complete_of(inbox).in_transaction
    await inbox.database.transact(lambda connection: write(connection, 0, outcomes))


async def renew(inbox: Inbox, held: list[Held]) -> None:
    """Renews these leases."""
    assert await inbox.renew([one.lease for one in held]) == []


class TestTransactions:
    """They meet with the statements in the same lanes."""

    @pytest.mark.parametrize("write", [accept_twins, end_in_a_transaction, renew])
    async def test_they_lock_lanes_in_the_one_order_too(
        self, inbox: Inbox, beside: asyncpg.Connection, write: Callable[[Inbox, list[Held]], Awaitable[None]]
    ) -> None:
        """While one waits for the first of its lanes by name, it has locked no other one: there is no deadlock."""
        held = [await hold(inbox, "C9"), await hold(inbox, "C1")]
        async with beside.transaction():
            await beside.execute("SELECT FROM lane WHERE name = 'C1' FOR UPDATE")
            writing = asyncio.ensure_future(write(inbox, held))
            await until_waits(beside)
            await beside.execute("SELECT FROM lane WHERE name = 'C9' FOR UPDATE NOWAIT")
        await writing


class TestManyPods:
    """Groups of several processes meet in the same lanes, in every order."""

    async def test_no_deadlock(self, url: str, beside: asyncpg.Connection) -> None:
        """Accepts, ends and claims of three processes over seven lanes wait for each other in one order alone."""
        async with opened(url) as one, opened(url) as two, opened(url) as three:
            pods, ran = (one, two, three), list[str]()
            total = 3 * 150

            async def send(pod: Inbox, name: str) -> None:
                for n in range(0, 150, 15):
                    group = [item(f"C{(5 * k) % 7}", f"A1:Ev-{name}-{k}") for k in range(n, n + 15)]
                    for accepted in await accept(pod, *group):
                        if accepted.held is not None:
                            running.append(asyncio.ensure_future(run(pod, accepted.held)))

            async def run(pod: Inbox, held: Held | None) -> None:
                while held is not None:
                    ran.append(held.stored.key)
                    held = (await end(pod, held, go_on=len(ran) % 10 > 0)).following

            async def take(pod: Inbox) -> None:
                while len(ran) < total:
                    await asyncio.gather(*(run(pod, held) for held in await claim(pod, 3)))

            running: list[asyncio.Future[None]] = []
            sending = [send(pod, str(number)) for number, pod in enumerate(pods)]
            await asyncio.wait_for(asyncio.gather(*sending, *(take(pod) for pod in pods)), 60)
            await asyncio.gather(*running)
            stored = await beside.fetch("SELECT lane, key FROM delivery WHERE lane <> 'C-before' ORDER BY id")
        assert len(ran) == total
        for name in {name for name, _ in stored}:
            of_lane = [key for in_lane, key in stored if in_lane == name]
            assert [key for key in ran if key in set(of_lane)] == of_lane
        await beside.execute("SELECT pg_stat_clear_snapshot()")
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await beside.fetchval(deadlocks) == 0
        assert await pending(beside) == {}
