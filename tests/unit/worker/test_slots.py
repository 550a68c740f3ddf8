"""The slots of a process, and who gets the next one."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.worker import slots
from anchorbolt.worker.slots import RunSlots

from tests.unit.worker.conftest import Clock


class TestRunSlots:
    """What arrives gets a slot when there is one soon, and never before what waits already."""

    async def test_a_free_place_is_had_at_once(self, inbox: Inbox) -> None:
        """A free slot needs no waiting."""
        run_slots = RunSlots(inbox, 1)
        assert await run_slots.reserve_for_arrival()
        assert run_slots.free == 0

    async def test_the_next_free_place_goes_to_who_waits_longest(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Arrivals get slots in the order in which they came."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 30)
        run_slots = RunSlots(inbox, 1)
        assert await run_slots.reserve_for_arrival()
        order: list[int] = []

        async def arrive(number: int) -> None:
            assert await run_slots.reserve_for_arrival()
            order.append(number)
            run_slots.give_back()

        arrivals = [asyncio.create_task(arrive(number)) for number in range(3)]
        await asyncio.sleep(0)
        run_slots.give_back()
        await asyncio.wait_for(asyncio.gather(*arrivals), 10)
        assert (order, run_slots.free) == ([0, 1, 2], 1)

    async def test_patience_ends(self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a slot in time, an arrival is stored for whoever has one."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 0.01)
        run_slots = RunSlots(inbox, 1)
        assert await run_slots.reserve_for_arrival()
        assert not await run_slots.reserve_for_arrival()
        run_slots.give_back()
        assert run_slots.free == 1

    async def test_who_would_wait_too_long_does_not_wait(self, inbox: Inbox) -> None:
        """Where slots become free slowly, an arrival is stored at once."""
        clock = Clock()
        run_slots = RunSlots(inbox, 1, clock=clock)
        assert await run_slots.reserve_for_arrival()
        clock.now += 60
        assert not await run_slots.reserve_for_arrival()

    async def test_who_waits_counts_for_those_behind(self, inbox: Inbox) -> None:
        """As many wait as will have a slot soon; the next is stored at once."""
        clock = Clock()
        run_slots = RunSlots(inbox, 1, clock=clock)
        assert await run_slots.reserve_for_arrival()
        clock.now += 1
        arrivals = [asyncio.create_task(run_slots.reserve_for_arrival()) for _ in range(100)]
        await asyncio.sleep(0)
        stored = [arrival for arrival in arrivals if arrival.done()]
        assert 0 < len(stored) < len(arrivals)
        assert arrivals[-len(stored) :] == stored
        run_slots.shut()
        assert not any(await asyncio.gather(*arrivals))

    async def test_a_burst_after_a_quiet_hour_waits(self, inbox: Inbox) -> None:
        """How slowly slots became free while nobody wanted one says nothing."""
        clock = Clock()
        run_slots = RunSlots(inbox, 1, clock=clock)
        assert await run_slots.reserve_for_arrival()
        run_slots.give_back()
        clock.now += 3600
        assert await run_slots.reserve_for_arrival()
        arrival = asyncio.create_task(run_slots.reserve_for_arrival())
        await asyncio.sleep(0)
        run_slots.give_back()
        assert await arrival

    async def test_while_lanes_wait_every_second_place_is_for_arrivals(self, inbox: Inbox) -> None:
        """Neither what waits nor what arrives starves."""
        run_slots = RunSlots(inbox, 8)
        assert run_slots.reserve(8) == 8
        run_slots.somebody_waits()
        arrivals = [asyncio.create_task(run_slots.reserve_for_arrival()) for _ in range(8)]
        await asyncio.sleep(0)
        for _ in range(8):
            run_slots.give_back()
        await asyncio.sleep(0)
        assert (sum(arrival.done() for arrival in arrivals), run_slots.reserve(8)) == (4, 4)
        run_slots.shut()
        await asyncio.gather(*arrivals)

    async def test_a_drain_lets_nobody_wait(self, inbox: Inbox) -> None:
        """Who waits for a slot when the pod begins to drain is stored at once, for another pod."""
        run_slots = RunSlots(inbox, 1)
        assert await run_slots.reserve_for_arrival()
        arrival = asyncio.create_task(run_slots.reserve_for_arrival())
        await asyncio.sleep(0)
        run_slots.shut()
        assert not await arrival
        run_slots.give_back()
        assert run_slots.free == 1

    async def test_lanes_that_wait_come_first(self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """While lanes are known to wait, a free slot is theirs."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 0.01)
        run_slots = RunSlots(inbox, 1)
        run_slots.somebody_waits()
        assert not await run_slots.reserve_for_arrival()
        assert run_slots.reserve(5) == 1

    async def test_a_cancelled_arrival_keeps_no_place(self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """A slot that was given to a request which is gone goes to the next."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 30)
        run_slots = RunSlots(inbox, 1)
        assert await run_slots.reserve_for_arrival()
        gone = asyncio.create_task(run_slots.reserve_for_arrival())
        await asyncio.sleep(0)
        run_slots.give_back()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert run_slots.free == 1

    async def test_a_cancelled_arrival_that_got_none_gives_none_back(self, inbox: Inbox) -> None:
        """It was told to be stored, and its request was gone before it heard of that."""
        run_slots = RunSlots(inbox, 1)
        assert await run_slots.reserve_for_arrival()
        gone = asyncio.create_task(run_slots.reserve_for_arrival())
        await asyncio.sleep(0)
        run_slots.shut()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert run_slots.free == 0

    async def test_what_a_claim_did_not_need_is_for_who_waits(
        self, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All of it at once, except while lanes wait: then the next claim takes it."""
        monkeypatch.setattr(slots, "PATIENCE_SECONDS", 30)
        run_slots = RunSlots(inbox, 5)
        assert run_slots.reserve(3) == 3
        assert run_slots.reserve(50) == 2
        arrivals = [asyncio.create_task(run_slots.reserve_for_arrival()) for _ in range(2)]
        await asyncio.sleep(0)
        run_slots.backlog = True
        run_slots.unreserve(1)
        await asyncio.sleep(0)
        assert (run_slots.free, [arrival.done() for arrival in arrivals]) == (1, [False, False])
        run_slots.backlog = False
        run_slots.unreserve(2)
        assert await asyncio.gather(*arrivals) == [True, True]
        assert run_slots.free == 1

    @pytest.mark.parametrize(("backlog", "waits"), [(False, True), (True, False)])
    async def test_behind_lanes_that_wait_a_slot_comes_half_as_soon(
        self, inbox: Inbox, *, backlog: bool, waits: bool
    ) -> None:
        """An arrival waits where one slot a while is soon enough, and not where every second one is for the lanes."""
        clock = Clock()
        run_slots = RunSlots(inbox, 1, clock=clock)
        assert await run_slots.reserve_for_arrival()
        clock.now += 0.7 * slots.SOON_SECONDS * slots.ASSUMED
        run_slots.backlog = backlog
        arrival = asyncio.create_task(run_slots.reserve_for_arrival())
        await asyncio.sleep(0)
        assert arrival.done() is not waits
        run_slots.shut()
        assert not await arrival

    @pytest.mark.parametrize("why", ["drains", "paused", "only receives"])
    async def test_who_may_not_begin_does_not_wait(self, inbox: Inbox, why: str) -> None:
        """A pod that drains, is paused or only receives stores at once."""
        run_slots = RunSlots(inbox, 1, takes=why != "only receives")
        run_slots.open = why != "drains"
        run_slots.paused = why == "paused"
        assert not await run_slots.reserve_for_arrival()
        assert run_slots.free == 1

    async def test_nothing_begins_in_the_second_after_the_database_was_away(self) -> None:
        """Whoever held a lane renews it or hands it back before anybody claims it."""
        clock = Clock()
        database = SqliteDatabase(None, clock=clock)
        inbox = Inbox(database, lease_seconds=10, clock=clock)
        run_slots = RunSlots(inbox, 1, clock=clock)
        await inbox.open()
        assert run_slots.may_begin, "at the start nobody has lost anything yet"
        await database.close()
        with pytest.raises(StoreError):
            await inbox.probe()
        assert not run_slots.may_begin
        await database.open()
        await database.migrate()
        await inbox.probe()
        clock.now += 0.9
        assert not run_slots.may_begin
        clock.now += 0.2
        assert run_slots.may_begin
        await inbox.close()
