"""What the inbox promises, whatever the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anchorbolt.errors import SchemaError, StoreRefusedError, StoreUnknownError
from anchorbolt.inbox import schema
from anchorbolt.inbox.accept import Accept, Item
from anchorbolt.inbox.admin import Admin, Filter
from anchorbolt.inbox.claim import Claim
from anchorbolt.inbox.complete import Complete
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Lease, Outcome
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.retention import Retention
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.statement import Statement
from anchorbolt.inbox.tables import delivery, lane
from anchorbolt.inbox.tables import inbox as inbox_table
from anchorbolt.settings.model import Settings
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from tests.contract.conftest import LEASE_SECONDS
from tests.contract.steps import accept, accept_of, claim, complete_of, counts, end, hold, item, keys
from tests.support.waiting import until_answer


class TestAccept:
    """accept stores a delivery once, and takes a lane only when it was empty."""

    async def test_empty_lane_is_taken_in_the_same_commit(self, inbox: Inbox) -> None:
        """What arrives in an empty lane is ours to run, and counts as its first attempt; its lease begins with that."""
        began = time.monotonic()
        (accepted,) = await accept(inbox, item(key="A1:Ev-first"))
        assert accepted.new
        assert accepted.held is not None
        assert began <= accepted.held.sent_at <= time.monotonic()
        stored = accepted.held.stored
        assert (stored.key, stored.attempts, stored.crashes, stored.tries) == ("A1:Ev-first", 1, 0, 1)
        assert (stored.content_type, stored.body) == ("application/json", '{"key":"A1:Ev-first"}')
        when = await inbox.database.transact(lambda connection: connection.scalar(select(delivery.c.received_at)))
        assert stored.received_at == when

    async def test_all_that_came_with_it_is_there_at_each_run(self, inbox: Inbox) -> None:
        """Where it is run at once, and where it is claimed after a failure."""
        came = Item("A1:Ev1", "C1", "event", "text/plain", "body", "trace", True, False, "headers", "T1", "D1")
        (accepted,) = await accept(inbox, came)
        assert accepted.held is not None
        await end(inbox, accepted.held, End.RETRY)
        (claimed,) = await claim(inbox)
        for stored in (accepted.held.stored, claimed.stored):
            assert (stored.key, stored.kind) == ("A1:Ev1", "event")
            assert (stored.content_type, stored.body) == ("text/plain", "body")
            assert (stored.traceparent, stored.headers) == ("trace", "headers")
            assert (stored.workspace, stored.conversation) == ("T1", "D1")
        assert claimed.stored.received_at == accepted.held.stored.received_at

    async def test_without_a_free_place_it_waits(self, inbox: Inbox) -> None:
        """What nobody has a place for is stored, and told to be waiting."""
        (accepted,) = await accept(inbox, item(take=False))
        assert (accepted.new, accepted.held, accepted.waiting) == (True, None, True)

    async def test_the_same_key_again_is_no_news(self, inbox: Inbox) -> None:
        """A retry of Slack's is a duplicate while the first runs, and after it is done."""
        held = await hold(inbox, key="A1:Ev-again")
        (while_running,) = await accept(inbox, item(key="A1:Ev-again"))
        await end(inbox, held)
        (after,) = await accept(inbox, item(key="A1:Ev-again"))
        assert [(one.new, one.held) for one in (while_running, after)] == [(False, None)] * 2
        assert await claim(inbox) == []

    async def test_twice_in_one_group_is_stored_once(self, inbox: Inbox) -> None:
        """Two requests with one key that meet in a group are one delivery, and its lane counts one."""
        answers = await accept(inbox, item(key="A1:Ev-twin"), item(key="A1:Ev-twin"))
        assert [answer.new for answer in answers] == [True, False]
        assert await counts(inbox) == {"waiting": 0, "running": 1, "dead": 0, "done": 0}

    async def test_each_answer_names_the_delivery_that_was_stored_for_it(self, inbox: Inbox) -> None:
        """In a group of any size, also with duplicates of others and of one another between what is new."""
        before = await accept(inbox, *(item(f"C-before-{n}", f"A1:Ev-{n}") for n in range(0, 40, 7)))
        asked = [item(f"C{n}", f"A1:Ev-{n if n % 9 else n // 2}") for n in range(40)]
        answers = await accept_of(inbox)(asked, in_doubt=False)  # at once: of a group that fails the halves are tried
        stored = await inbox.database.transact(
            lambda connection: {key: id_ for key, id_ in connection.execute(select(delivery.c.key, delivery.c.id))}  # noqa: C416 - rows are no pairs
        )
        held = [(one.key, answer.held.stored.id) for one, answer in zip(asked, answers, strict=True) if answer.held]
        assert len(held) == len(stored) - len(before) > 16
        assert [id_ for _, id_ in held] == [stored[key] for key, _ in held]
        assert [id_ for _, id_ in held] == sorted(id_ for _, id_ in held)

    async def test_one_lane_twice_in_one_group(self, inbox: Inbox) -> None:
        """Of several in one lane, the first is ours and the others wait behind it."""
        answers = await accept(inbox, *(item("C1") for _ in range(3)))
        assert [answer.held is not None for answer in answers] == [True, False, False]

    async def test_a_duplicate_does_not_count_its_lane_up(self, inbox: Inbox) -> None:
        """After duplicates, a lane is as empty as it was: the next arrival takes it."""
        held = await hold(inbox, key="A1:Ev-dup")
        await accept(inbox, item(key="A1:Ev-dup"), item(key="A1:Ev-dup"))
        await end(inbox, held)
        assert (await hold(inbox)).stored.attempts == 1

    async def test_behind_a_duplicate_the_new_one_is_run(self, inbox: Inbox) -> None:
        """Where the first of a group is a duplicate, the second takes the lane, and its attempt is counted."""
        await end(inbox, await hold(inbox, key="A1:Ev-old"))
        _, second = await accept(inbox, item(key="A1:Ev-old"), item(key="A1:Ev-new"))
        assert second.held is not None
        await end(inbox, second.held, End.RETRY)
        assert [one.stored.attempts for one in await claim(inbox)] == [2]

    async def test_a_lane_with_something_in_it_is_never_taken(self, inbox: Inbox) -> None:
        """Who arrives later may not run before what waits, also when nobody holds the lane."""
        await accept(inbox, item(key="A1:Ev-1", take=False))
        (later,) = await accept(inbox, item(key="A1:Ev-2", take=True))
        assert later.held is None
        assert keys(await claim(inbox)) == ["A1:Ev-1"]

    async def test_what_runs_already_is_held(self, inbox: Inbox) -> None:
        """An interaction whose listener runs is stored with its lease, so that nobody else runs it too."""
        (accepted,) = await accept(inbox, item("=command:1", "command:1", take=False, running=True))
        assert accepted.held is not None
        assert await claim(inbox) == []

    async def test_large_bodies_do_not_make_a_statement_that_nobody_can_hold(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many arrive at once, and however large: no statement is much larger than a few of them."""
        large = [Item(f"A1:Ev-large-{n}", f"C{n}", "event", "application/json", "x" * 2**20) for n in range(20)]
        sizes: list[int] = []

        bind = Statement.bind

        def look(self: Statement, parameters: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
            sizes.append(len(str(parameters)))
            return bind(self, parameters)

        monkeypatch.setattr(Statement, "bind", look)
        answers = await accept(inbox, *large)
        assert all(answer.new for answer in answers)
        assert sum(sizes) > 20 * 2**20
        assert max(sizes) < 5 * 2**20

    async def test_a_row_that_the_database_refuses_fails_alone(self, inbox: Inbox) -> None:
        """Its neighbours in the group are stored; what is said of it has nothing of what a user has written."""
        bad = Item("A1:Ev-bad", "C9", None, "application/json", '{"planted"}', None, take=True)  # type: ignore[arg-type]
        deadline = time.monotonic() + 10
        futures = [inbox.accept(one, deadline) for one in (item("C1"), bad, item("C2"))]
        with capture_logs() as lines:
            await asyncio.wait(futures)
        assert [future.exception() is None for future in futures] == [True, False, True]
        assert isinstance(futures[1].exception(), StoreRefusedError)
        assert lines
        assert "planted" not in f"{futures[1].exception()} {lines}"


class TestOrder:
    """The deliveries of a lane run one at a time, in the order in which they were accepted."""

    async def test_oldest_first_one_at_a_time(self, inbox: Inbox) -> None:
        """A lane gives its deliveries one by one, the oldest first."""
        held: Held | None = await hold(inbox, key="A1:Ev-a")
        await accept(inbox, item(key="A1:Ev-b"), item(key="A1:Ev-c"))
        ran: list[str] = []
        while held is not None:
            ran.append(held.stored.key)
            assert await claim(inbox) == []
            held = (await end(inbox, held, go_on=True)).following
        assert ran == ["A1:Ev-a", "A1:Ev-b", "A1:Ev-c"]

    async def test_each_lane_of_a_large_group_runs_in_the_order_of_the_group(self, inbox: Inbox) -> None:
        """Of many that were stored together the first of each lane is run at once, and the others follow in turn."""
        asked = [item(f"C{n % 3}") for n in range(60)]
        answers = await accept_of(inbox)(asked, in_doubt=False)
        ran: dict[str, list[str]] = {}
        for answer in answers:
            held = answer.held
            while held is not None:
                ran.setdefault(held.lease.lane, []).append(held.stored.key)
                held = (await end(inbox, held, go_on=True)).following
        assert ran == {name: [one.key for one in asked if one.lane == name] for name in ("C0", "C1", "C2")}

    async def test_a_failed_attempt_holds_its_lane_and_no_other(self, inbox: Inbox) -> None:
        """While a delivery waits for its backoff, what is behind it waits too, and other lanes go on."""
        first, other = await hold(inbox, "C1", "A1:Ev-x"), await hold(inbox, "C2", "A1:Ev-z")
        await accept(inbox, item("C1", "A1:Ev-y"), item("C2", "A1:Ev-zz"))
        await end(inbox, first, End.RETRY, delay=60)
        await end(inbox, other)
        assert keys(await claim(inbox)) == ["A1:Ev-zz"]

    async def test_what_can_be_claimed_soon_is_known(self, inbox: Inbox) -> None:
        """A lane whose backoff ends within the time that is asked for, and none that ends later."""
        assert not await inbox.waits(60)
        await end(inbox, await hold(inbox), End.RETRY, delay=30)
        assert [await inbox.waits(seconds) for seconds in (0, 10, 60)] == [False, False, True]

    async def test_after_its_backoff_it_comes_first(self, inbox: Inbox) -> None:
        """The delivery that failed runs again before what arrived after it."""
        first = await hold(inbox, key="A1:Ev-x")
        await accept(inbox, item(key="A1:Ev-y"))
        await end(inbox, first, End.RETRY)
        again = await claim(inbox)
        assert [(one.stored.key, one.stored.attempts) for one in again] == [("A1:Ev-x", 2)]

    async def test_a_dead_letter_lets_its_lane_go_on(self, inbox: Inbox) -> None:
        """What is behind a dead letter runs."""
        first = await hold(inbox, key="A1:Ev-x")
        await accept(inbox, item(key="A1:Ev-y"))
        completed = await end(inbox, first, End.DEAD, go_on=True)
        assert completed.following is not None
        assert completed.following.stored.key == "A1:Ev-y"

    async def test_claims_go_to_those_that_wait_longest(self, inbox: Inbox) -> None:
        """Lanes are claimed in the order in which they began to wait, at most as many as there are places."""
        for name in ("C1", "C2", "C3"):
            await accept(inbox, item(name, f"A1:Ev-{name}", take=False))
        assert sorted(keys(await claim(inbox, 2))) == ["A1:Ev-C1", "A1:Ev-C2"]

    async def test_a_lane_without_a_delivery_is_taken_away_and_holds_nothing_up(self, inbox: Inbox) -> None:
        """Only somebody who changes the tables by hand makes one; it would be claimed again and again."""
        await accept(inbox, *(item(f"C{n}", f"A1:Ev-{n}", take=False) for n in range(3)))
        by_hand = delete(delivery).where(delivery.c.key == "A1:Ev-1")
        await inbox.database.transact(lambda connection: connection.execute(by_hand) and None)
        assert sorted(keys(await claim(inbox))) == ["A1:Ev-0", "A1:Ev-2"]
        left = select(lane.c.name).order_by(lane.c.name)
        names = await inbox.database.transact(lambda connection: connection.execute(left).scalars().all())
        assert names == ["C0", "C2"]


class TestEnds:
    """A recorded end never repeats, and what was cut short does."""

    async def test_done_leaves_a_tombstone_without_a_body(self, inbox: Inbox) -> None:
        """Nothing of a finished delivery is left but what answers Slack's retries."""
        held = await hold(inbox)
        await end(inbox, held)
        entry = await inbox.database.transact(lambda c: Admin(inbox.database.dialect).find(c, held.stored.key))
        assert entry is not None
        assert (entry.state, entry.body) == ("done", None)

    async def test_where_all_that_came_is_over_the_lane_is_empty_again(self, inbox: Inbox) -> None:
        """After the last of several the lane counts none: what arrives next is run at once, and waits for no claim."""
        first, _ = await accept(inbox, item("C1"), item("C1"))
        assert first.held is not None
        following = (await end(inbox, first.held, go_on=True)).following
        assert following is not None
        await end(inbox, following)
        (next_,) = await accept(inbox, item("C1"))
        assert next_.held is not None

    async def test_a_second_completion_is_refused(self, inbox: Inbox) -> None:
        """Who completes twice is told that it no longer holds the lane."""
        held = await hold(inbox)
        assert (await end(inbox, held)).written
        assert not (await end(inbox, held)).written

    async def test_a_handed_back_run_is_no_attempt(self, inbox: Inbox) -> None:
        """A run that was cut short by a drain counts neither as an attempt nor as a crash; what failed before stays."""
        held = await hold(inbox)
        await end(inbox, held, End.RETRY)
        (held,) = await claim(inbox)
        await inbox.complete(Outcome(held.lease, held.stored.id, End.HANDED_BACK, None, 0, False, 2))
        error = select(delivery.c.error)
        assert await inbox.database.transact(lambda connection: connection.execute(error).scalar()) == "it failed"
        (again,) = await claim(inbox)
        assert (again.stored.attempts, again.stored.crashes, again.taken_over) == (2, 0, False)

    async def test_a_run_that_was_cut_short_is_counted_apart_for_good(self, inbox: Inbox) -> None:
        """Also when it fails later: its MAX_ATTEMPTS are counted without the runs whose process has died."""
        await hold(inbox)
        over = update(lane).values(claimable_at=now() - 1)
        await inbox.database.transact(lambda connection: connection.execute(over) and None)
        (held,) = await claim(inbox)
        assert (held.stored.attempts, held.stored.crashes, held.taken_over) == (2, 1, True)
        await end(inbox, held, End.RETRY)
        (again,) = await claim(inbox)
        assert (again.stored.attempts, again.stored.crashes, again.stored.tries) == (3, 1, 2)

    async def test_ends_of_one_group_are_each_their_own(self, inbox: Inbox) -> None:
        """Done, failed, handed back and held together: each lane gets what is its own."""
        lanes = {how: await hold(inbox, f"C-{how.value.replace(' ', '-')}") for how in End}
        await asyncio.gather(*(end(inbox, held, how) for how, held in lanes.items()))
        assert await counts(inbox) == {"waiting": 3, "running": 0, "dead": 1, "done": 1, "cancelled": 1}


def lose_one_answer(inbox: Inbox, monkeypatch: pytest.MonkeyPatch, *, happens: bool = True) -> asyncio.Event:
    """The next commit happens or not, and its answer never comes. Set when that is so."""
    lost = asyncio.Event()

    def losing(write: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def lose(*asked: object) -> object:
            if lost.is_set():
                return await write(*asked)
            if happens:
                answer = await write(*asked)
                if answer is None and write is execute:
                    return None  # nothing was committed: the transaction is
            lost.set()
            raise StoreUnknownError("the connection broke at a commit")

        return lose

    transact, execute = inbox.database.transact, inbox.database.execute
    monkeypatch.setattr(inbox.database, "transact", losing(transact))
    monkeypatch.setattr(inbox.database, "execute", losing(execute))
    return lost


class Refusal(Exception):
    """What a driver raises for a row that cannot be stored."""

    sqlstate = "22000"


def refuse_groups(monkeypatch: pytest.MonkeyPatch, of: type[Accept] | type[Complete], lost: asyncio.Event) -> None:
    """From when an answer is lost, the database refuses whatever holds more than two."""
    write = of.in_transaction

    def refusing(self: Any, connection: Connection, *arguments: Any, **options: Any) -> Any:
        if lost.is_set() and any(isinstance(one, list) and len(one) > 2 for one in arguments):
            raise DBAPIError("a statement", None, Refusal("not all of this"))
        return write(self, connection, *arguments, **options)

    monkeypatch.setattr(of, "in_transaction", refusing)


class TestUnknownOutcomes:
    """A commit whose answer was lost is written again, and changes nothing the second time."""

    async def test_a_repeated_accept_still_knows_what_it_holds(self, inbox: Inbox) -> None:
        """What the lost commit stored and took is ours to run, once, and as its first attempt."""
        write = accept_of(inbox).in_transaction
        again = item(key="A1:Ev-doubt")
        await inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [again]))
        (answer,) = await inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [again]))
        assert answer.held is not None
        assert (answer.held.stored.key, answer.held.stored.attempts) == ("A1:Ev-doubt", 1)
        await end(inbox, answer.held, End.RETRY)
        (second,) = await claim(inbox)
        assert second.stored.attempts == 2
        assert (await end(inbox, second)).written
        assert await counts(inbox) == {"waiting": 0, "running": 0, "dead": 0, "done": 1}

    async def test_a_repeated_accept_holds_as_long_as_a_new_one(self, inbox: Inbox) -> None:
        """However long its answer was away: nobody else claims what it tells us to run."""
        write = accept_of(inbox).in_transaction
        again = item(key="A1:Ev-doubt")
        await inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [again]))
        over = update(lane).values(claimable_at=now() - 1)
        await inbox.database.transact(lambda connection: connection.execute(over) and None)
        (answer,) = await inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [again]))
        assert answer.held is not None
        assert await claim(inbox) == []

    async def test_what_arrives_before_a_repeated_accept_is_answered_runs_behind_it(self, inbox: Inbox) -> None:
        """Of one lane, what the lost commit stored comes before what is stored together with it when it is repeated."""
        write = accept_of(inbox).in_transaction
        again, later = item(key="A1:Ev-doubt"), item(key="A1:Ev-later")
        await inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [again]))
        answers = await inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [again, later]))
        assert [one.held is not None for one in answers] == [True, False]
        assert answers[0].held is not None
        completed = await end(inbox, answers[0].held, go_on=True)
        assert completed.following is not None
        assert completed.following.stored.key == "A1:Ev-later"

    async def test_a_refused_neighbour_does_not_make_us_forget_what_we_hold(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A row that the database refuses arrives before a commit is repeated: what that commit took is still ours."""
        lost = lose_one_answer(inbox, monkeypatch)
        doubtful = asyncio.ensure_future(accept(inbox, *(item(f"C{n}") for n in range(3))))
        await lost.wait()
        bad = Item("A1:Ev-bad", "C9", None, "application/json", "{}", None, take=True)  # type: ignore[arg-type]
        with pytest.raises(StoreRefusedError):
            await inbox.accept(bad, time.monotonic() + 10)
        assert [answer.held is not None for answer in await doubtful] == [True] * 3

    @pytest.mark.parametrize("happens", [True, False], ids=["stored", "not stored"])
    async def test_each_half_of_a_refused_group_is_still_in_doubt(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, happens: bool
    ) -> None:
        """An accept without an answer is refused when it is repeated, and done by halves: all that it took is ours."""
        refuse_groups(monkeypatch, Accept, lose_one_answer(inbox, monkeypatch, happens=happens))
        answers = await accept(inbox, *(item(f"C{n}") for n in range(4)))
        assert [one.held.stored.attempts if one.held else None for one in answers] == [1] * 4
        assert await inbox.renew([one.held.lease for one in answers if one.held]) == []

    @pytest.mark.parametrize("happens", [True, False], ids=["stored", "not stored"])
    async def test_a_lane_in_both_halves_runs_one_at_a_time(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, happens: bool
    ) -> None:
        """What the second half has of a lane is behind what the first has of it, whichever commit took the lane."""
        refuse_groups(monkeypatch, Accept, lose_one_answer(inbox, monkeypatch, happens=happens))
        first, _, behind, other = await accept(
            inbox, item("C1", "A1:Ev-1"), item("C2"), item("C1", "A1:Ev-2"), item("C3")
        )
        assert first.held is not None
        assert first.held.stored.key == "A1:Ev-1"
        assert behind.held is None
        assert other.held is not None
        completed = await end(inbox, first.held, go_on=True)
        assert completed.following is not None
        assert (completed.following.stored.key, completed.following.stored.attempts) == ("A1:Ev-2", 1)

    async def test_behind_a_half_that_is_over_the_lane_waits(self, inbox: Inbox) -> None:
        """Where the first half of a lane has ended before the second is stored, anybody may claim what is stored."""
        write = accept_of(inbox).in_transaction
        first, later = item("C1", "A1:Ev-1"), item("C1", "A1:Ev-2")
        (answer,) = await inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [first]))
        assert answer.held is not None
        await end(inbox, answer.held)
        (answer,) = await inbox.database.transact(lambda c: write(c, 77, time.monotonic(), [later], {"C1"}))
        assert (answer.new, answer.held, answer.waiting) == (True, None, True)
        assert keys(await claim(inbox)) == ["A1:Ev-2"]

    @pytest.mark.parametrize("how", [End.DONE, End.DEAD])
    async def test_each_half_of_refused_ends_is_still_in_doubt(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, how: End
    ) -> None:
        """Ends without an answer are refused when they are repeated, and done by halves: each is told as written."""
        held = [await hold(inbox, f"C{n}") for n in range(4)]
        refuse_groups(monkeypatch, Complete, lose_one_answer(inbox, monkeypatch))
        completed = await asyncio.gather(*(end(inbox, one, how) for one in held))
        assert [one.written for one in completed] == [True] * 4
        assert (await counts(inbox))[how.value] == 4

    async def test_what_a_claim_took_whose_answer_was_lost_is_claimed_again(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its lanes do not wait for the end of the lease, and nothing of it counts as an attempt or as a crash."""
        await accept(inbox, *(item(f"C{n}", take=False) for n in range(3)))
        lose_one_answer(inbox, monkeypatch)
        with pytest.raises(StoreUnknownError):
            await inbox.claim(2)
        again = await claim(inbox)
        assert [(one.stored.attempts, one.stored.crashes, one.taken_over) for one in again] == [(1, 0, False)] * 3
        assert await claim(inbox) == []
        assert await inbox.renew([one.lease for one in again]) == []

    async def test_a_repeated_completion_counts_once(self, inbox: Inbox) -> None:
        """The lane loses one delivery, not two, and what follows in it is still ours to run, as its first attempt."""
        held = await hold(inbox, key="A1:Ev-1")
        await accept(inbox, item(key="A1:Ev-2"), item(key="A1:Ev-3"))
        outcome = Outcome(held.lease, held.stored.id, End.DONE, go_on=True)
        write = complete_of(inbox).in_transaction
        for _ in range(2):
            (completed,) = await inbox.database.transact(lambda c: write(c, time.monotonic(), [outcome]))
        following: Held | None = completed.following
        ran = []
        while following is not None:
            ran.append((following.stored.key, following.stored.attempts))
            following = (await end(inbox, following, go_on=True)).following
        assert ran == [("A1:Ev-2", 1), ("A1:Ev-3", 1)]
        assert await counts(inbox) == {"waiting": 0, "running": 0, "dead": 0, "done": 3}

    @pytest.mark.parametrize("how", [End.DONE, End.DEAD])
    @pytest.mark.parametrize("behind", [False, True], ids=["lane gone", "lane freed"])
    async def test_an_end_whose_answer_was_lost_is_known_as_written(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, how: End, behind: bool
    ) -> None:
        """Its lane is nobody's by then, and all the same the end is told as what is stored."""
        held = await hold(inbox)
        if behind:
            await accept(inbox, item())
        lose_one_answer(inbox, monkeypatch)
        assert (await end(inbox, held, how)).written
        assert (await counts(inbox))[how.value] == 1

    @pytest.mark.parametrize("how", [End.RETRY, End.HANDED_BACK])
    @pytest.mark.parametrize("happens", [True, False], ids=["stored", "taken over meanwhile"])
    @pytest.mark.parametrize("ends_again", [False, True], ids=["claimed again", "ended again"])
    async def test_an_end_that_is_not_final_is_known_by_its_line(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, how: End, *, happens: bool, ends_again: bool
    ) -> None:
        """Its answer was lost: only where it is stored it is told as written, whatever became of its lane since."""
        held = await hold(inbox)
        outcome = Outcome(held.lease, held.stored.id, how, None, 0, False, 1, record='{"pod": "this_one", "n": 10}\n')
        write = complete_of(inbox)
        lose_one_answer(inbox, monkeypatch, happens=happens)
        with pytest.raises(StoreUnknownError):
            await write([outcome], in_doubt=False)
        if not happens:
            taken = update(lane).values(owner="another", claimable_at=now())
            await inbox.database.transact(lambda c: c.execute(taken) and None)
        (again,) = await claim(inbox)
        if ends_again:
            await end(inbox, again, how)
        (completed,) = await write([outcome], in_doubt=True)
        assert (completed.written, completed.freed) == (happens, happens)

    async def test_an_end_in_doubt_is_not_mistaken_for_that_of_another_delivery(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One has ended in the same way, at the same attempt; ours is not stored, and another process has it."""
        await end(inbox, await hold(inbox, "C-other"))
        held = await hold(inbox)
        write = complete_of(inbox)
        outcome = Outcome(held.lease, held.stored.id, End.DONE, attempt=1)
        lose_one_answer(inbox, monkeypatch, happens=False)
        with pytest.raises(StoreUnknownError):
            await write([outcome], in_doubt=False)
        taken = update(lane).values(owner="another", claimable_at=now())
        await inbox.database.transact(lambda connection: connection.execute(taken) and None)
        (completed,) = await write([outcome], in_doubt=True)
        assert not completed.written

    async def test_of_two_claims_in_doubt_the_later_one_was_written(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An old run's end and the new one's meet in a group: only the one that is stored is told as written."""
        old = await hold(inbox)
        await end(inbox, old, End.RETRY)
        (new,) = await claim(inbox)
        lose_one_answer(inbox, monkeypatch)
        completed = await asyncio.gather(end(inbox, old), end(inbox, new))
        assert [one.written for one in completed] == [False, True]


class TestWork:
    """What is done in a transaction is done whole or not at all."""

    async def test_an_error_of_ours_is_told_and_nothing_is_written(self, inbox: Inbox) -> None:
        """It is not taken for the database's, which goes on to be used."""
        held = await hold(inbox)

        def work(connection: Connection) -> None:
            connection.execute(delete(delivery))
            raise KeyError("a defect")

        with pytest.raises(KeyError, match="a defect"):
            await inbox.store.transact(work)
        assert inbox.up
        assert (await end(inbox, held)).written


class TestFence:
    """Owner and epoch tell one claim from every other; what a lost claim says is refused."""

    async def test_a_claim_in_doubt_frees_nothing_of_other_processes(self, inbox: Inbox) -> None:
        """Each process counts its claims from one: what it gives back of a claim without an answer is its own alone."""
        mine, held = await hold(inbox, "C1"), await hold(inbox, "C2")
        epochs = [mine.lease.epoch, held.lease.epoch]
        another = Claim(inbox.store, Owner("another", LEASE_SECONDS))
        await inbox.database.transact(lambda c: another._free_what_is_in_doubt(c, epochs))
        assert await claim(inbox) == []
        ours = Claim(inbox.store, Owner(inbox.owner, LEASE_SECONDS))
        await inbox.database.transact(lambda c: ours._free_what_is_in_doubt(c, [held.lease.epoch]))
        (again,) = await claim(inbox)
        assert (again.stored.key, again.stored.attempts) == (held.stored.key, 1)

    async def test_a_lease_counts_from_before_it_was_asked_for(self, inbox: Inbox) -> None:
        """Whoever accepts, claims or goes on knows a moment by its own clock from which its lease surely holds."""
        began = inbox.store.clock()
        (accepted,) = await accept(inbox, item("C1"))
        await accept(inbox, item("C1"), item("C2", take=False))
        (claimed,) = await claim(inbox)
        assert accepted.held is not None
        following = (await end(inbox, accepted.held, go_on=True)).following
        assert following is not None
        moments = [began, accepted.held.sent_at, claimed.sent_at, following.sent_at, inbox.store.clock()]
        assert moments == sorted(moments)

    async def test_an_old_claim_of_the_same_process_is_refused(self, inbox: Inbox) -> None:
        """The owner alone does not fence: the same process may have claimed the lane again since."""
        old = await hold(inbox)
        await end(inbox, old, End.RETRY)
        (new,) = await claim(inbox)
        assert not (await end(inbox, old)).written
        assert await inbox.renew([old.lease, new.lease]) == [old.lease]
        assert (await end(inbox, new)).written

    async def test_an_old_claim_does_not_free_a_lane_that_was_empty_since(self, inbox: Inbox) -> None:
        """Rows of lanes go when nothing is pending: a new row must not answer to an old lease."""
        old = await hold(inbox)
        await end(inbox, old)
        new = await hold(inbox)
        assert await inbox.renew([old.lease]) == [old.lease]
        assert not (await end(inbox, old, End.HANDED_BACK)).written
        assert (await end(inbox, new)).written

    async def test_a_lease_that_nobody_has_is_lost(self, inbox: Inbox) -> None:
        """Renewing what never was is told as lost, and changes nothing."""
        assert await inbox.renew([Lease("C-nowhere", 1)]) == [Lease("C-nowhere", 1)]

    async def test_a_renewed_lease_lasts_as_long_as_a_new_one(self, inbox: Inbox) -> None:
        """From the moment of its renewal, by the database's clock."""
        held = await hold(inbox)
        left = select(lane.c.claimable_at - now())
        soon = update(lane).values(claimable_at=now() + 1)
        await inbox.database.transact(lambda connection: connection.execute(soon) and None)
        assert await inbox.renew([held.lease]) == []
        seconds = await inbox.database.transact(lambda connection: connection.execute(left).scalar_one())
        assert LEASE_SECONDS - 10 < seconds <= LEASE_SECONDS


class TestAdmin:
    """What an operator does to the inbox."""

    async def test_a_replayed_dead_letter_runs_again_from_its_first_attempt(self, inbox: Inbox) -> None:
        """Replay gives it all its attempts again."""
        held = await hold(inbox)
        await end(inbox, held, End.DEAD)
        crashed = update(delivery).values(crashes=4)
        await inbox.database.transact(lambda connection: connection.execute(crashed) and None)
        admin = Admin(inbox.database.dialect)
        assert await inbox.database.transact(lambda c: admin.replay(c, [held.stored.id])) == 1
        left = select(delivery.c.error, delivery.c.ended_at)
        row = await inbox.database.transact(lambda connection: connection.execute(left).one())
        assert tuple(row) == (None, None), "nothing says of it that it failed any more"
        (again,) = await claim(inbox)
        assert (again.stored.key, again.stored.attempts, again.stored.crashes) == (held.stored.key, 1, 0)

    async def test_a_discarded_dead_letter_keeps_nothing_but_its_key(self, inbox: Inbox) -> None:
        """Body, headers, error and what its attempts failed of may hold tokens: none of them is left."""
        held = await hold(inbox)
        await end(inbox, held, End.DEAD)
        written = update(delivery).values(headers="planted", history="planted")
        await inbox.database.transact(lambda connection: connection.execute(written) and None)
        await inbox.database.transact(lambda c: Admin(inbox.database.dialect).discard(c, [held.stored.id]))
        kept = select(delivery.c.body, delivery.c.headers, delivery.c.error, delivery.c.history)
        row = await inbox.database.transact(lambda connection: connection.execute(kept).one())
        assert tuple(row) == (None, None, None, None)

    async def test_a_discarded_dead_letter_still_answers_retries(self, inbox: Inbox) -> None:
        """Its body goes, its key stays."""
        held = await hold(inbox)
        await end(inbox, held, End.DEAD)
        await inbox.database.transact(lambda c: Admin(inbox.database.dialect).discard(c, [held.stored.id]))
        (again,) = await accept(inbox, item(key=held.stored.key))
        assert not again.new
        assert (await counts(inbox))["dead"] == 0

    async def test_one_delivery_is_shown_with_its_body(self, inbox: Inbox) -> None:
        """By its key or its id, and nothing where there is none; a list of many has no bodies."""
        (accepted,) = await accept(inbox, replace(item("C1", "A1:Ev1"), workspace="T1", conversation="D1"))
        assert accepted.held is not None
        admin = Admin(inbox.database.dialect)
        for name in ("A1:Ev1", str(accepted.held.stored.id)):
            found = await inbox.database.transact(partial(admin.find, name=name))
            assert found is not None
            assert (found.key, found.lane, found.body) == ("A1:Ev1", "C1", '{"key":"A1:Ev1"}')
            assert (found.kind, found.content_type) == ("event", "application/json")
            assert (found.workspace, found.conversation) == ("T1", "D1")
            assert (found.attempts, found.crashes, found.owner) == (1, 0, inbox.owner)
            assert (found.state, found.undecryptable) == ("running", None)
        assert await inbox.database.transact(lambda c: admin.find(c, "A1:Ev2")) is None
        (listed,) = await inbox.database.transact(lambda c: admin.entries(c, Filter()))
        assert listed.body is None

    async def test_all_dead_letters_are_no_more_than_the_dead(self, inbox: Inbox) -> None:
        """Neither what was cancelled, which somebody wanted so, nor what is done, waits or runs; the oldest first."""
        ended = {how: await hold(inbox, f"C-{how}") for how in (End.DEAD, End.CANCELLED, End.DONE, End.RETRY)}
        for how, held in ended.items():
            await end(inbox, held, how)
        later = await hold(inbox, "C-later")
        await end(inbox, later, End.DEAD)
        await hold(inbox, "C-runs")
        found = await inbox.database.transact(lambda c: Admin(inbox.database.dialect).dead(c, Filter()))
        assert found == [ended[End.DEAD].stored.id, later.stored.id]

    async def test_dead_letters_are_chosen_by_their_age(self, inbox: Inbox) -> None:
        """Since they arrived: what is older or younger than was asked for is not replayed with the others."""
        old, new = await hold(inbox, "C-old"), await hold(inbox, "C-new")
        for held in (old, new):
            await end(inbox, held, End.DEAD)
        earlier = update(delivery).where(delivery.c.id == old.stored.id).values(received_at=now() - 600)
        await inbox.database.transact(lambda connection: connection.execute(earlier) and None)
        admin = Admin(inbox.database.dialect)
        wanted = (Filter(older_than_seconds=300), Filter(younger_than_seconds=300), Filter(younger_than_seconds=900))
        found = [await inbox.database.transact(partial(admin.dead, wanted=one)) for one in wanted]
        assert found == [[old.stored.id], [new.stored.id], [old.stored.id, new.stored.id]]
        lately = Filter("dead", since_seconds=300)  # since they ended
        assert len(await inbox.database.transact(partial(admin.entries, wanted=lately))) == 2

    async def test_what_was_cancelled_is_replayed_or_discarded_too(self, inbox: Inbox) -> None:
        """It is no failure, and its body is kept until an operator has decided."""
        admin = Admin(inbox.database.dialect)
        held = await hold(inbox)
        await end(inbox, held, End.CANCELLED)
        assert await inbox.database.transact(lambda c: admin.replay(c, [held.stored.id])) == 1
        (again,) = await claim(inbox)
        assert again.stored.key == held.stored.key
        await end(inbox, again, End.CANCELLED)
        assert await inbox.database.transact(lambda c: admin.discard(c, [held.stored.id])) == 1
        assert await counts(inbox) == {"waiting": 0, "running": 0, "dead": 0, "done": 1}

    async def test_only_dead_letters_are_replayed_or_discarded(self, inbox: Inbox) -> None:
        """What lives or is done is left alone."""
        held = await hold(inbox)
        admin = Admin(inbox.database.dialect)
        assert await inbox.database.transact(lambda c: admin.replay(c, [held.stored.id])) == 0
        assert await inbox.database.transact(lambda c: admin.discard(c, [held.stored.id])) == 0

    async def test_who_paused_first_is_kept(self, inbox: Inbox) -> None:
        """And since when; the next pause after its end is one of its own."""
        admin = Admin(inbox.database.dialect)
        who = select(inbox_table.c.paused_by, now() - inbox_table.c.paused_at)

        async def pause(paused: bool, by: str | None = None) -> tuple[str | None, float | None]:
            await inbox.database.transact(lambda connection: admin.pause(connection, paused=paused, paused_by=by))
            since = await inbox.database.transact(admin.paused_for_seconds)
            name, seconds = await inbox.database.transact(lambda connection: tuple(connection.execute(who).one()))
            assert (since is None) is (seconds is None)
            assert await inbox.database.transact(admin.paused_by) == name
            return name, seconds

        name, seconds = await pause(True, "ann")
        assert name == "ann"
        assert seconds is not None
        assert 0 <= seconds < 30
        earlier = update(inbox_table).values(paused_at=now() - 600)
        await inbox.database.transact(lambda connection: connection.execute(earlier) and None)
        name, seconds = await pause(True, "bob")
        assert name == "ann"
        assert seconds is not None
        assert seconds >= 600
        assert await pause(False) == (None, None)
        assert (await pause(True, "bob"))[0] == "bob"

    async def test_paused_nothing_is_claimed(self, inbox: Inbox) -> None:
        """Paused, deliveries are accepted and none is claimed; resumed, the oldest come first."""
        admin = Admin(inbox.database.dialect)
        await accept(inbox, item(take=False))
        await inbox.database.transact(lambda c: admin.pause(c, paused=True))
        claimed = await inbox.claim(10)
        assert (claimed.held, claimed.paused) == ([], True)
        await inbox.database.transact(lambda c: admin.pause(c, paused=False))
        assert len(await claim(inbox)) == 1

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (Filter(), ["A1:Ev-dead", "A1:Ev-runs", "A1:Ev-behind"]),
            (Filter(state="dead"), ["A1:Ev-dead"]),
            (Filter(state="running"), ["A1:Ev-runs"]),
            (Filter(state="waiting"), ["A1:Ev-behind"]),
            (Filter(state="done"), ["A1:Ev-done"]),
            (Filter(lane="C-dead"), ["A1:Ev-dead"]),
            (Filter(error="fail"), ["A1:Ev-dead"]),
            (Filter(error="100%"), []),
            (Filter(kind="command"), []),
            (Filter(older_than_seconds=60), []),
            (Filter(younger_than_seconds=60, most=1), ["A1:Ev-dead"]),
        ],
        ids=str,
    )
    async def test_list_filters(self, inbox: Inbox, wanted: Filter, found: list[str]) -> None:
        """Deliveries are found by state, kind, lane, age and error, the oldest first."""
        await end(inbox, await hold(inbox, "C-dead", "A1:Ev-dead"), End.DEAD)
        await end(inbox, await hold(inbox, "C-done", "A1:Ev-done"))
        await hold(inbox, "C1", "A1:Ev-runs")
        await accept(inbox, item("C1", "A1:Ev-behind"))
        entries = await inbox.database.transact(lambda c: Admin(inbox.database.dialect).entries(c, wanted))
        assert [entry.key for entry in entries] == found


class TestRetention:
    """Tombstones and dead letters go when they are old enough, not before."""

    async def test_only_the_old_goes(self, inbox: Inbox) -> None:
        """Each state has its own time."""
        await end(inbox, await hold(inbox))
        await end(inbox, await hold(inbox), End.DEAD)
        await hold(inbox)
        assert await inbox.database.transact(Retention(3600, 3600)) == 0
        assert await until_answer(lambda: inbox.database.transact(Retention(0.01, 3600))) == 1
        assert await counts(inbox) == {"waiting": 0, "running": 1, "dead": 1, "done": 0}
        assert await until_answer(lambda: inbox.database.transact(Retention(0.01, 0.01))) == 1

    async def test_all_that_went_is_counted(self, inbox: Inbox) -> None:
        """What is done, dead or cancelled: as long as the count says that there may be more, the next batch follows."""
        for n, how in enumerate((End.DONE, End.DEAD, End.CANCELLED, End.CANCELLED)):
            await end(inbox, await hold(inbox, f"C{n}"), how)
        assert await inbox.database.transact(Retention(-1, -1)) == 4
        assert await inbox.database.transact(Retention(-1, -1)) == 0

    async def test_a_retry_a_day_later_still_runs_nothing(self) -> None:
        """Slack's delayed events come for 24 hours: the tombstone of RETENTION_HOURS as shipped outlives them."""
        now = 1_000_000.0
        database = SqliteDatabase(None, clock=lambda: now)
        inbox = Inbox(database, lease_seconds=LEASE_SECONDS)
        await inbox.open()
        shipped = Retention(Settings.model_fields["retention_hours"].default * 3600, 1e9)
        await end(inbox, await hold(inbox, key="A1:Ev-yesterday"))
        now += 24.5 * 3600
        await database.transact(shipped)
        (retry,) = await accept(inbox, item(key="A1:Ev-yesterday"))
        assert not retry.new
        now += 2 * 3600
        assert await database.transact(shipped) == 1
        await inbox.close()


class TestSeveralPods:
    """What one process acknowledged, another finishes."""

    async def test_a_held_lane_is_nobody_elses(self, pods: Callable[..., Inbox]) -> None:
        """While a lease runs, no other process claims its lane, nor completes what runs in it."""
        one, two = pods(), pods()
        await one.open()
        await two.open()
        held = await hold(one)
        assert await claim(two) == []
        assert not (await end(two, held)).written
        assert (await end(one, held)).written

    async def test_a_lease_that_ran_out_is_taken_over(self, pods: Callable[..., Inbox]) -> None:
        """The run before counts as cut short, and what it completes afterwards is refused."""
        one, two = pods(0.5), pods()
        await one.open()
        await two.open()
        held = await hold(one)
        (taken,) = await until_answer(lambda: claim(two))
        assert (taken.stored.key, taken.stored.attempts, taken.stored.crashes) == (held.stored.key, 2, 1)
        assert taken.taken_over
        assert not (await end(one, held)).written
        assert (await end(two, taken)).written

    @pytest.mark.parametrize("ends_first", [False, True], ids=["while it runs there", "when it has ended there"])
    async def test_an_end_in_doubt_is_refused_after_a_takeover(
        self, pods: Callable[..., Inbox], monkeypatch: pytest.MonkeyPatch, ends_first: bool
    ) -> None:
        """The commit had not happened, and another runs it again: its end is not taken for ours."""
        one, two = pods(0.5), pods()
        await one.open()
        await two.open()
        held = await hold(one)
        (taken,) = await until_answer(lambda: claim(two))
        if ends_first:
            assert (await end(two, taken)).written
        lose_one_answer(one, monkeypatch, happens=False)
        assert not (await end(one, held)).written
        assert (await end(two, taken)).written != ends_first

    async def test_a_renewed_lease_is_not_taken_over(self, pods: Callable[..., Inbox]) -> None:
        """Renewal puts the takeover off for as long as the run lasts."""
        one, two = pods(0.6), pods()
        await one.open()
        await two.open()
        held = await hold(one)
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            assert await one.renew([held.lease]) == []
            assert await claim(two) == []
            await asyncio.sleep(0.05)
        assert (await end(one, held)).written

    async def test_waiting_lanes_wake_the_others(self, pods: Callable[..., Inbox]) -> None:
        """A process that has lanes to give is heard by the others."""
        one, two = pods(), pods()
        woken = asyncio.Event()
        two.on_wake = woken.set
        await one.open()
        await two.open()
        await asyncio.wait_for(woken.wait(), 10)  # once connected, in case something was missed
        woken.clear()
        one.wake_others()
        await asyncio.wait_for(woken.wait(), 10)

    async def test_two_pods_that_accept_the_same_key_store_it_once(self, pods: Callable[..., Inbox]) -> None:
        """Slack's retry may reach another pod while the first still accepts."""
        one, two = pods(), pods()
        await one.open()
        await two.open()
        for number in range(20):
            same = [item("C1", f"A1:Ev-same-{number}", take=True) for _ in range(2)]
            answers = await asyncio.gather(accept(one, same[0]), accept(two, same[1]))
            assert sorted(answer[0].new for answer in answers) == [False, True]


class TestAfterARestart:
    """A process that dies leaves its lanes to the one that follows."""

    async def test_what_was_running_is_claimed_at_once(self, tmp_path: Path) -> None:
        """On a SQLite file nobody else can be alive: the next process does not wait for the lease."""
        first = Inbox(SqliteDatabase(tmp_path / "inbox.db"), lease_seconds=3600)
        await first.open()
        held = await hold(first)
        await first.close()
        second = Inbox(SqliteDatabase(tmp_path / "inbox.db"), lease_seconds=3600)
        await second.open()
        (again,) = await claim(second)
        assert (again.stored.key, again.stored.attempts, again.stored.crashes) == (held.stored.key, 2, 1)
        assert again.stored.tries == 1
        await second.close()

    async def test_what_waited_for_its_backoff_goes_on_to_wait(self, tmp_path: Path) -> None:
        """A restart is no reason to try at once again what has failed; only what ran is claimed."""
        first = Inbox(SqliteDatabase(tmp_path / "inbox.db"), lease_seconds=3600)
        await first.open()
        await end(first, await hold(first, "C1"), End.RETRY, delay=600)
        runs = await hold(first, "C2")
        await first.close()
        second = Inbox(SqliteDatabase(tmp_path / "inbox.db"), lease_seconds=3600)
        await second.open()
        assert keys(await claim(second)) == [runs.stored.key]
        await second.close()

    async def test_a_later_incompatible_schema_is_refused(self, inbox: Inbox) -> None:
        """The app does not start on a schema that is too old, or newer and not compatible; a compatible one is fine."""

        async def with_schema(revision: int, compatible_from: int) -> None:
            values = {"revision": revision, "compatible_from": compatible_from}
            await inbox.database.transact(lambda c: c.execute(inbox_table.update().values(**values)))
            await inbox.database.transact(schema.check)

        await with_schema(99, 1)
        with pytest.raises(SchemaError, match="deploy a newer version"):
            await with_schema(99, 98)
        with pytest.raises(SchemaError, match="anchorbolt migrate"):
            await with_schema(0, 0)
