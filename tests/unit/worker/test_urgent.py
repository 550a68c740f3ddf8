"""Urgent events: their listeners run at once, whatever else goes on and however many slots are taken."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery, parse
from anchorbolt.delivery.delivery import JSON
from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.parking import PARK_SECONDS
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.worker.urgent_slots import URGENT_SLOTS, UrgentSlots
from anchorbolt.worker.worker import Worker
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.steps import LATER

THREAD = "1760000000.000100"


class Listeners:
    """The listener of a message goes on until it is stopped; that of a stop does what the test says."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.error: Exception | None = None

    async def __call__(self, run: Run) -> None:
        """Runs one."""
        if not is_urgent(run.delivery.lane):
            await self.stopped.wait()
            return
        if self.hold is not None:
            await self.hold.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error
        self.stopped.set()


def stop(n: int = 0) -> Delivery:
    """A user stops the agent's session in the thread in which `event` is."""
    inner = {"type": "agent_session_stopped", "channel": "C1", "thread_ts": THREAD, "user": "U1", "event_ts": "1.1"}
    outer = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": f"EvStop{n}", "event": inner}
    found = parse(json.dumps(outer | {"streaming_message_ts": []}).encode(), JSON)
    assert isinstance(found, Delivery)
    return found


async def arrives(worker: Worker, delivery: Delivery) -> Accepted:
    """Stores an event as intake does."""
    reserved = await worker.reserve(urgent=is_urgent(delivery.lane))
    return await worker.accept(delivery, LATER, reserved=reserved)


async def busy(worker: Worker, *threads: Delivery) -> None:
    """Lets all slots be taken: by the run in the first thread, and by others of other conversations."""
    for thread in threads:
        assert (await arrives(worker, thread)).held is not None


async def test_a_stop_runs_while_the_run_that_it_stops_has_the_only_slot(bench: Bench) -> None:
    """It arrives here, and begins at once: neither the lane of its thread nor a slot holds it up."""
    listeners = Listeners()
    worker, dispatch = bench.worker(listeners, concurrency=1)
    worker.start()
    answering, stopping = event("C1"), stop()
    await busy(worker, answering)
    assert (await arrives(worker, stopping)).held is not None
    assert (await bench.until_ended(stopping.key)).state == "done"
    assert (await bench.until_ended(answering.key)).state == "done"
    assert [run.delivery.key for run in dispatch.runs] == [answering.key, stopping.key]
    await worker.stop()


async def test_a_stop_that_another_pod_accepted_is_claimed_without_a_free_slot(bench: Bench) -> None:
    """As soon as this pod is told, not at its next look; and before all that waits longer."""
    listeners = Listeners()
    worker, dispatch = bench.worker(listeners, concurrency=1)
    worker.start()
    answering = event("C1")
    await busy(worker, answering)
    for n in range(5):
        await worker.accept(event(f"C9{n}"), LATER, reserved=False)
    # The claim that follows that finds no slot. From here on time stands still: it does not look again by itself.
    await until(lambda: not worker._slots.wake.is_set(), what="it has looked")
    stopping = stop()
    item = Item(stopping.key, stopping.lane, "event", JSON, stopping.body)
    await bench.inbox.accept(item, LATER)
    bench.inbox.on_urgent()
    await until(listeners.stopped.is_set, what="the stop has run")
    assert [run.delivery.key for run in dispatch.runs[:2]] == [answering.key, stopping.key]
    await until(lambda: len(dispatch.runs) == 7, what="the others run then")
    await worker.stop()


async def test_only_so_many_urgent_events_run_beside_the_others(bench: Bench) -> None:
    """The bound is URGENT_SLOTS: more of them wait in the inbox, and each that ends lets the next one begin."""
    listeners = Listeners()
    listeners.hold = asyncio.Event()
    worker, dispatch = bench.worker(listeners, concurrency=1)
    worker.start()
    await busy(worker, event("C1"))
    stops = [stop(n) for n in range(URGENT_SLOTS + 4)]
    accepted = [await arrives(worker, one) for one in stops]
    assert [one.held is not None for one in accepted] == [True] * URGENT_SLOTS + [False] * 4
    await until(lambda: len(dispatch.runs) == 1 + URGENT_SLOTS, what="as many as may run")
    assert worker.running == 1 + URGENT_SLOTS
    listeners.hold.set()
    for one in stops:
        assert (await bench.until_ended(one.key)).state == "done"
    await worker.finish(30)
    assert worker._slots.urgent.reserve_for_claim() == URGENT_SLOTS // 2  # every slot was given back
    await worker.stop()


async def test_a_stop_that_fails_is_tried_again_though_no_slot_is_free(bench: Bench) -> None:
    """Its second attempt needs no more than its first: time stands still, so that nothing is looked for in vain."""
    listeners = Listeners()
    listeners.error = ConnectionResetError("Slack is away for a moment")
    at_once = dataclasses.replace(LIMITS, backoff_base_seconds=0.0)
    worker, dispatch = bench.worker(listeners, concurrency=1, limits=at_once)
    worker.start()
    await busy(worker, event("C1"))
    await worker.accept(event("C9"), LATER, reserved=False)
    # The claim that follows that finds no slot. From here on it does not look again by itself.
    await until(lambda: not worker._slots.wake.is_set(), what="it has looked")
    stopping = stop()
    await arrives(worker, stopping)
    await until(lambda: len(dispatch.runs) >= 3, what="it is tried again")
    assert (await bench.until_ended(stopping.key)).state == "done"
    assert [run.attempt.attempt for run in dispatch.runs if run.delivery.key == stopping.key] == [1, 2]
    await worker.stop()


async def test_a_pod_that_drains_leaves_a_stop_to_others_and_tells_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does not begin, somebody else begins at once."""
    told: list[str] = []
    monkeypatch.setattr(bench.inbox, "wake_others_urgently", lambda: told.append("urgent"))
    monkeypatch.setattr(bench.inbox, "wake_others", lambda: told.append("a lane waits"))
    worker, dispatch = bench.worker(Listeners())
    worker.stop_taking()
    assert (await arrives(worker, stop())).waiting
    await until(lambda: told, what="the others are told")
    assert (told, dispatch.runs) == (["urgent"], [])
    await worker.stop()


async def test_other_pods_are_told_of_a_stop_that_is_handed_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop whose pod goes away is claimed by a pod without a free slot, too."""
    told: list[str] = []
    monkeypatch.setattr(bench.inbox, "wake_others_urgently", lambda: told.append("urgent"))
    listeners = Listeners()
    listeners.hold = asyncio.Event()
    worker, dispatch = bench.worker(listeners)
    await arrives(worker, stop())
    await until(lambda: dispatch.runs, what="it runs")
    worker.stop_taking()
    assert await worker.hand_back(30) == 1
    assert told == ["urgent"]
    await worker.stop()


async def test_a_pause_is_for_urgent_events_too(bench: Bench) -> None:
    """Paused means that nothing runs: an operator who says so wants no listener to act."""
    worker, dispatch = bench.worker(Listeners())
    admin = Admin(bench.database.dialect)
    await bench.database.transact(lambda connection: admin.pause(connection, paused=True))
    worker.start()
    with capture_logs() as lines:
        bench.clock.now += 2
        await until(lambda: [line for line in lines if "inbox paused" in line["event"]], what="it knows of the pause")
    stopping = stop()
    assert (await arrives(worker, stopping)).held is None
    await bench.database.transact(lambda connection: admin.pause(connection, paused=False))
    bench.clock.now += 2
    assert (await bench.until_ended(stopping.key)).state == "done"
    assert len(dispatch.runs) == 1
    await worker.stop()


async def test_a_stop_runs_where_events_of_its_kind_are_paused(bench: Bench) -> None:
    """An operator who pauses a kind wants what runs to end, and nothing else of it to begin."""
    worker, dispatch = bench.worker(Listeners())
    pauses = Pauses(bench.database.dialect)
    await bench.database.transact(lambda connection: pauses.pause(connection, "kind", "event", "ann"))
    worker.start()
    await until(lambda: worker.pauses == 1, what="it knows of the pause")
    held, stopping = event("C7"), stop()
    await arrives(worker, held)
    await arrives(worker, stopping)
    await until(lambda: dispatch.runs and worker.running == 0, what="one has run, and the other is parked")
    assert (await bench.row(stopping.key)).state == "done"
    row, lane = await bench.row(held.key), await bench.lane(held.lane)
    assert lane is not None
    assert (row.state, row.attempts, lane.waits_for) == ("live", 0, "pause:kind:event")
    assert row.error == "waits, because it is paused: kind:event"
    assert lane.claimable_at == bench.clock.now + PARK_SECONDS
    assert [run.delivery.key for run in dispatch.runs] == [stopping.key]
    await worker.stop()


async def test_a_duplicate_of_a_stop_takes_no_slot(bench: Bench) -> None:
    """Slack's retries of a stop leave the slots as they were."""
    worker, dispatch = bench.worker(Listeners())
    assert (await arrives(worker, stop())).new
    await bench.until_ended(stop().key)
    for _ in range(2 * URGENT_SLOTS):
        assert not (await arrives(worker, stop())).new
    assert (await arrives(worker, stop(1))).held is not None
    await bench.until_ended(stop(1).key)
    assert len(dispatch.runs) == 2
    await worker.stop()


def test_a_claim_that_finds_less_than_it_may_asks_no_more() -> None:
    """Where nothing waits or no slot is free, the inbox is not asked again and again."""
    wake = asyncio.Event()
    slots = UrgentSlots(wake)
    slots.asked()
    slots.answered(slots.reserve_for_claim(), 0)
    assert not wake.is_set()
    assert not slots.is_awaited()
    while slots.reserve_for_arrival():
        pass
    slots.asked()
    slots.answered(slots.reserve_for_claim(), 0)
    assert not wake.is_set()
    assert not slots.is_awaited()
    slots.give_back()  # what was not asked for may wait
    assert wake.is_set()
    assert slots.is_awaited()
    wake.clear()
    slots.asked()
    assert slots.reserve_for_claim() == 1
    slots.unanswered(1)
    assert slots.is_awaited()
