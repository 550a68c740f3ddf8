"""Whose turn it is to be connected, where the database does not answer at the wrong moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.socket_mode.leadership import OneAtATime

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
    """One in memory."""
    inbox = Inbox(SqliteDatabase(None), lease_seconds=9)
    await inbox.open()
    yield inbox
    await inbox.close()


async def test_a_seat_that_could_not_be_left_is_left_later(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own seat is not taken for that of another: we stay connected until one is, and it need not wait."""
    turn = OneAtATime(inbox, lease_seconds=60)
    await turn.take(lambda: None)
    keeping = asyncio.ensure_future(turn.keep())
    turn.serve()

    async def is_served() -> bool:
        return (await inbox.seat.look()).served

    await until_answer(is_served, what="the others see that we are connected")
    # 1. A drain begins, and the seat cannot be left.
    leave, tries = inbox.seat.leave, list[int]()

    async def away_once(epoch: int) -> bool:
        tries.append(epoch)
        if len(tries) == 1:
            raise StoreUnavailableError("the database is away")
        return await leave(epoch)

    monkeypatch.setattr(inbox.seat, "leave", away_once)
    turn.hand_over(closing=False)

    # 2. It is left all the same, and nobody thinks that another one is connected.
    async def is_free() -> bool:
        return (await inbox.seat.look()).free_in_seconds == 0

    await until_answer(is_free, what="the seat is free")
    assert len(tries) == 2
    assert turn.ours
    assert not keeping.done()
    keeping.cancel()


async def test_who_cannot_renew_is_disconnected_before_another_may_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the last tenth of its lease a process takes nothing any more, though nobody else could hold the seat yet."""
    clock = Clock()
    inbox = Inbox(SqliteDatabase(None, clock=clock), lease_seconds=9, clock=clock)
    await inbox.open()
    turn = OneAtATime(inbox, lease_seconds=10, clock=clock)
    await turn.take(lambda: None)
    renewing = asyncio.Event()

    async def away(*_: object, **__: object) -> bool:
        renewing.set()
        raise StoreUnavailableError("the database is away")

    monkeypatch.setattr(inbox.seat, "renew", away)
    keeping = asyncio.ensure_future(turn.keep())
    # 1. A renewal fails early: the connection stays.
    clock.now += 5
    turn.serve()  # which is told to the others at once, by a renewal
    await asyncio.wait_for(renewing.wait(), 30)
    assert turn.ours
    assert not keeping.done()
    # 2. The lease is almost over.
    clock.now += 4.5
    assert not turn.ours
    assert await asyncio.wait_for(keeping, 30) is False
    assert (await inbox.seat.look()).free_in_seconds == pytest.approx(0.5)
    await inbox.close()
