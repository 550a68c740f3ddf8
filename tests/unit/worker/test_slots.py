"""The places of a process, and who gets the next one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.worker import slots
from anchorbolt.worker.slots import Room

from tests.unit.worker.conftest import Clock


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """An inbox in memory."""
    inbox = Inbox(SqliteDatabase(None), lease_seconds=10)
    await inbox.open()
    yield inbox
    await inbox.close()


class TestRoom:
    """What arrives gets a place when there is one soon, and never before what waits already."""

    async def test_a_free_place_is_had_at_once(self, inbox: Inbox) -> None:
        """A free place needs no waiting."""
        room = Room(inbox, 1)
        assert await room.place_for_arrival()
        assert room.free == 0

    async def test_the_next_free_place_goes_to_who_waits_longest(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Arrivals get places in the order in which they came."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 30)
        room = Room(inbox, 1)
        assert await room.place_for_arrival()
        order: list[int] = []

        async def arrive(number: int) -> None:
            assert await room.place_for_arrival()
            order.append(number)
            room.give_back()

        arrivals = [asyncio.create_task(arrive(number)) for number in range(3)]
        await asyncio.sleep(0)
        room.give_back()
        await asyncio.wait_for(asyncio.gather(*arrivals), 10)
        assert (order, room.free) == ([0, 1, 2], 1)

    async def test_patience_ends(self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a place in time, an arrival is stored for whoever has one."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 0.01)
        room = Room(inbox, 1)
        assert await room.place_for_arrival()
        assert not await room.place_for_arrival()
        room.give_back()
        assert room.free == 1

    async def test_who_would_wait_too_long_does_not_wait(self, inbox: Inbox) -> None:
        """Where places become free slowly, an arrival is stored at once."""
        clock = Clock()
        room = Room(inbox, 1, clock=clock)
        assert await room.place_for_arrival()
        clock.now += 60
        assert not await room.place_for_arrival()

    async def test_who_waits_counts_for_those_behind(self, inbox: Inbox) -> None:
        """As many wait as will have a place soon; the next is stored at once."""
        clock = Clock()
        room = Room(inbox, 1, clock=clock)
        assert await room.place_for_arrival()
        clock.now += 1
        arrivals = [asyncio.create_task(room.place_for_arrival()) for _ in range(100)]
        await asyncio.sleep(0)
        stored = [arrival for arrival in arrivals if arrival.done()]
        assert 0 < len(stored) < len(arrivals)
        assert arrivals[-len(stored) :] == stored
        room.shut()
        assert not any(await asyncio.gather(*arrivals))

    async def test_a_burst_after_a_quiet_hour_waits(self, inbox: Inbox) -> None:
        """How slowly places became free while nobody wanted one says nothing."""
        clock = Clock()
        room = Room(inbox, 1, clock=clock)
        assert await room.place_for_arrival()
        room.give_back()
        clock.now += 3600
        assert await room.place_for_arrival()
        arrival = asyncio.create_task(room.place_for_arrival())
        await asyncio.sleep(0)
        room.give_back()
        assert await arrival

    async def test_while_lanes_wait_every_second_place_is_for_arrivals(self, inbox: Inbox) -> None:
        """Neither what waits nor what arrives starves."""
        room = Room(inbox, 8)
        assert room.reserve(8) == 8
        room.somebody_waits()
        arrivals = [asyncio.create_task(room.place_for_arrival()) for _ in range(8)]
        await asyncio.sleep(0)
        for _ in range(8):
            room.give_back()
        await asyncio.sleep(0)
        assert (sum(arrival.done() for arrival in arrivals), room.reserve(8)) == (4, 4)
        room.shut()
        await asyncio.gather(*arrivals)

    async def test_a_drain_lets_nobody_wait(self, inbox: Inbox) -> None:
        """Who waits for a place when the pod begins to drain is stored at once, for another pod."""
        room = Room(inbox, 1)
        assert await room.place_for_arrival()
        arrival = asyncio.create_task(room.place_for_arrival())
        await asyncio.sleep(0)
        room.shut()
        assert not await arrival
        room.give_back()
        assert room.free == 1

    async def test_lanes_that_wait_come_first(self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """While lanes are known to wait, a free place is theirs."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 0.01)
        room = Room(inbox, 1)
        room.somebody_waits()
        assert not await room.place_for_arrival()
        assert room.reserve(5) == 1

    async def test_a_cancelled_arrival_keeps_no_place(self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """A place that was given to a request which is gone goes to the next."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 30)
        room = Room(inbox, 1)
        assert await room.place_for_arrival()
        gone = asyncio.create_task(room.place_for_arrival())
        await asyncio.sleep(0)
        room.give_back()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert room.free == 1

    @pytest.mark.parametrize("why", ["drains", "paused", "only receives"])
    async def test_who_may_not_begin_does_not_wait(self, inbox: Inbox, why: str) -> None:
        """A pod that drains, is paused or only receives stores at once."""
        room = Room(inbox, 1, takes=why != "only receives")
        room.open = why != "drains"
        room.paused = why == "paused"
        assert not await room.place_for_arrival()
        assert room.free == 1

    async def test_nothing_begins_in_the_second_after_the_database_was_away(self) -> None:
        """Whoever held a lane renews it or hands it back before anybody claims it."""
        clock = Clock()
        database = SqliteDatabase(None, clock=clock)
        inbox = Inbox(database, lease_seconds=10, clock=clock)
        room = Room(inbox, 1, clock=clock)
        await inbox.open()
        assert room.may_begin, "at the start nobody has lost anything yet"
        await database.close()
        with pytest.raises(StoreError):
            await inbox.probe()
        assert not room.may_begin
        await database.open()
        await database.migrate()
        await inbox.probe()
        clock.now += 0.9
        assert not room.may_begin
        clock.now += 0.2
        assert room.may_begin
        await inbox.close()
