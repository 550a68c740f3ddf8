"""The leadership of Socket Mode where the database is away for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.leader_lock import Seen
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.socket_mode.leadership import SingleLeader

from tests.support.waiting import until_answer


@dataclass
class Clock:
    """Seconds, as a test sets them."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """An inbox in memory."""
    inbox = Inbox(SqliteDatabase(None), lease_seconds=9)
    await inbox.open()
    yield inbox
    await inbox.close()


async def test_a_lock_that_could_not_be_released_is_released_later(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that is still ours is not mistaken for another process's: we release it, and stay connected until then."""
    leadership = SingleLeader(inbox, lease_seconds=60)
    await leadership.acquire(lambda: None)
    leading = asyncio.ensure_future(leadership.hold())
    leadership.announce_connected()

    async def is_served() -> bool:
        return (await inbox.leader_lock.look()).served

    await until_answer(is_served, what="the others see that we are connected")
    # 1. A drain begins, and the lock cannot be released.
    leave, tries = inbox.leader_lock.leave, list[int]()

    async def away_once(epoch: int) -> bool:
        tries.append(epoch)
        if len(tries) == 1:
            raise StoreUnavailableError("the database is away")
        return await leave(epoch)

    monkeypatch.setattr(inbox.leader_lock, "leave", away_once)
    leadership.hand_over(closing=False)

    # 2. It is released all the same, and this process does not believe that another one is connected.
    async def is_free() -> bool:
        return (await inbox.leader_lock.look()).free_in_seconds == 0

    await until_answer(is_free, what="the lock is free")
    assert len(tries) == 2
    assert leadership.may_receive
    assert not leading.done()
    leading.cancel()


async def test_a_leader_receives_until_its_connection_is_closed(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack sends over the old connection too, until it is closed: what comes while the last acks are sent is taken."""
    leadership = SingleLeader(inbox, lease_seconds=60)
    await leadership.acquire(lambda: None)
    leading = asyncio.ensure_future(leadership.hold())

    async def another_is_connected() -> Seen:
        return Seen(ours=False, free_in_seconds=60, served=True)

    monkeypatch.setattr(inbox.leader_lock, "look", another_is_connected)
    leadership.hand_over(closing=True)
    assert await asyncio.wait_for(leading, 30) is True
    assert leadership.may_receive
    await leadership.release()
    assert not leadership.may_receive


async def test_a_leader_that_cannot_renew_disconnects_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the last tenth of its lease a process takes nothing any more, though nobody else could hold the lock yet."""
    clock = Clock()
    inbox = Inbox(SqliteDatabase(None, clock=clock), lease_seconds=9, clock=clock)
    await inbox.open()
    leadership = SingleLeader(inbox, lease_seconds=10, clock=clock)
    await leadership.acquire(lambda: None)
    renewing = asyncio.Event()

    async def away(*_: object, **__: object) -> bool:
        renewing.set()
        raise StoreUnavailableError("the database is away")

    monkeypatch.setattr(inbox.leader_lock, "renew", away)
    leading = asyncio.ensure_future(leadership.hold())
    # 1. A renewal fails early: the connection stays.
    clock.now += 5
    leadership.announce_connected()  # which is told to the others at once, by a renewal
    await asyncio.wait_for(renewing.wait(), 30)
    assert leadership.may_receive
    assert not leading.done()
    # 2. The lease is almost over.
    clock.now += 4.5
    assert not leadership.may_receive
    assert await asyncio.wait_for(leading, 30) is False
    assert (await inbox.leader_lock.look()).free_in_seconds == pytest.approx(0.5)
    await inbox.close()
