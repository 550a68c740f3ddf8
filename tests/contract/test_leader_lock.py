"""The leader lock: one process holds it, and whoever waits takes it when it is left or its lease runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from anchorbolt.inbox.inbox import SOCKET_LEADER, Inbox
from anchorbolt.inbox.leader_lock import LeaderLock, Seen
from anchorbolt.inbox.sql import now
from anchorbolt.inbox.tables import seat as seat_table
from sqlalchemy import select, update

LEASE_SECONDS = 30.0


async def expire(inbox: Inbox) -> None:
    """The lease has run out, by the database's clock."""
    await inbox.database.transact(lambda c: c.execute(update(seat_table).values(held_until=now() - 1)))


async def test_a_free_lock_is_taken_renewed_and_left(inbox: Inbox) -> None:
    """Nobody sits there at first; whoever takes it holds it until it leaves, and says whether it serves."""
    lock = inbox.leader_lock
    assert await lock.look() == Seen()
    epoch = await lock.take(LEASE_SECONDS)
    assert epoch is not None
    seen = await lock.look()
    assert (seen.ours, seen.served) == (True, False)
    assert LEASE_SECONDS - 5 < seen.free_in_seconds <= LEASE_SECONDS
    assert await lock.renew(epoch, LEASE_SECONDS, serves=True)
    assert (await lock.look()).served
    assert await lock.leave(epoch)
    assert await lock.look() == Seen()


async def test_an_old_claim_neither_renews_nor_leaves(inbox: Inbox) -> None:
    """A claim that was lost is fenced by its epoch, also when the same process sits there again."""
    lock = inbox.leader_lock
    old = await lock.take(LEASE_SECONDS)
    assert old is not None
    await expire(inbox)
    new = await lock.take(LEASE_SECONDS)
    assert new is not None
    assert new > old
    assert not await lock.renew(old, LEASE_SECONDS, serves=True)
    assert not await lock.leave(old)
    assert await lock.renew(new, LEASE_SECONDS, serves=True)


async def test_a_lease_that_ran_out_is_renewed_while_nobody_took_it(inbox: Inbox) -> None:
    """Late is not lost: who comes back first goes on under the same epoch."""
    epoch = await inbox.leader_lock.take(LEASE_SECONDS)
    assert epoch is not None
    await expire(inbox)
    assert await inbox.leader_lock.renew(epoch, LEASE_SECONDS, serves=True)


async def test_a_claim_in_doubt_is_taken_again_at_once(inbox: Inbox) -> None:
    """Where the commit that took the lock may have happened, the same process need not wait for its own lease."""
    assert await inbox.leader_lock.take(LEASE_SECONDS) == 1
    assert await inbox.leader_lock.take(LEASE_SECONDS) == 2


async def test_the_lock_of_a_process_that_is_gone_is_taken_when_its_lease_is_over(inbox: Inbox) -> None:
    """And not before; then it is the other's, until that one is gone."""
    other = LeaderLock(inbox.database.dialect, "another", SOCKET_LEADER, inbox.store.transact)
    assert await inbox.leader_lock.take(LEASE_SECONDS) is not None
    assert await other.take(LEASE_SECONDS) is None
    await expire(inbox)
    assert await other.take(LEASE_SECONDS) is not None
    assert await inbox.leader_lock.take(LEASE_SECONDS) is None
    assert ((await other.look()).ours, (await inbox.leader_lock.look()).ours) == (True, False)


class TestSeveral:
    """Processes on one PostgreSQL."""

    async def test_of_many_one_gets_it(self, pods: Callable[..., Inbox]) -> None:
        """Of ten that ask at one moment, whatever the moment, exactly one sits down."""
        inboxes = [pods() for _ in range(10)]
        for inbox in inboxes:
            await inbox.open()
        for _ in range(5):
            claims = await asyncio.gather(*(inbox.leader_lock.take(LEASE_SECONDS) for inbox in inboxes))
            assert sum(epoch is not None for epoch in claims) == 1
            assert sum([(await inbox.leader_lock.look()).ours for inbox in inboxes]) == 1
            await expire(inboxes[0])

    async def test_a_held_lock_is_nobody_elses(self, pods: Callable[..., Inbox]) -> None:
        """Until it is left or its lease runs out, others see how long they have to wait, and get nothing."""
        one, two = pods(), pods()
        await one.open()
        await two.open()
        epoch = await one.leader_lock.take(LEASE_SECONDS)
        assert epoch is not None
        assert await two.leader_lock.take(LEASE_SECONDS) is None
        seen = await two.leader_lock.look()
        assert not seen.ours
        assert seen.free_in_seconds > 0
        assert await one.leader_lock.leave(epoch)
        assert await two.leader_lock.take(LEASE_SECONDS) is not None

    async def test_a_holder_that_was_replaced_is_told(self, pods: Callable[..., Inbox]) -> None:
        """Whose lease ran out and was taken cannot renew: it learns that it holds nothing any more."""
        one, two = pods(), pods()
        await one.open()
        await two.open()
        old = await one.leader_lock.take(LEASE_SECONDS)
        assert old is not None
        await expire(two)
        assert await two.leader_lock.take(LEASE_SECONDS) is not None
        assert not await one.leader_lock.renew(old, LEASE_SECONDS, serves=True)

    async def test_a_change_is_heard_by_the_others(self, pods: Callable[..., Inbox]) -> None:
        """Who waits for the lock is woken by word of it, and not by word of lanes."""
        one, two = pods(), pods()
        locks, lanes = asyncio.Event(), asyncio.Event()
        two.on_leader_lock, two.on_wake = locks.set, lanes.set
        await one.open()
        await two.open()
        for heard in (locks, lanes):
            await asyncio.wait_for(heard.wait(), 10)  # once connected, in case something was missed
            heard.clear()
        one.announce_leader_lock()
        await asyncio.wait_for(locks.wait(), 10)
        assert not lanes.is_set()


async def test_the_lock_has_one_row(inbox: Inbox) -> None:
    """However often it changes hands, its table does not grow."""
    for _ in range(3):
        await inbox.leader_lock.take(LEASE_SECONDS)
        await expire(inbox)
    rows = await inbox.database.transact(lambda c: c.execute(select(seat_table.c.epoch)).scalars().all())
    assert rows == [3]
