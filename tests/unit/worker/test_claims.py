"""What a worker takes from the inbox, and when it takes nothing."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.claim import Claimed
from anchorbolt.inbox.complete import Completed
from anchorbolt.inbox.group import Then
from anchorbolt.inbox.lease import Outcome
from anchorbolt.worker import claims
from anchorbolt.worker.claims import GATHER_SECONDS, POLL_SECONDS, Claims
from anchorbolt.worker.slots import RunSlots
from structlog.testing import capture_logs

from tests.support.waiting import until, until_answer
from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.steps import LATER, nothing


class Gate:
    """A listener that waits until it is told to go on."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, run: Run) -> None:
        """Runs."""
        await self.go.wait()


async def test_a_pause_stops_a_lane_that_is_running(bench: Bench) -> None:
    """A pod whose slots are all taken learns of a pause too: its lanes end with the delivery that runs."""
    gate = Gate()
    worker, dispatch = bench.worker(gate, concurrency=1)
    worker.start()
    lane = [event("C1", n) for n in range(3)]
    for n, delivery in enumerate(lane):
        await worker.accept(delivery, LATER, reserved=n == 0 and await worker.reserve())
    await until(lambda: dispatch.runs, what="the first one runs")
    admin = Admin(bench.database.dialect)
    await bench.database.transact(lambda connection: admin.pause(connection, paused=True))
    with capture_logs() as lines:
        bench.clock.now += 2  # it asks once a second
        await until(lambda: [line for line in lines if "inbox paused" in line["event"]], what="it knows of the pause")
    gate.go.set()
    assert (await bench.until_ended(lane[0].key)).state == "done"
    await until(lambda: worker.running == 0, what="the lane is left")
    assert [run.delivery.key for run in dispatch.runs] == [lane[0].key]
    await bench.database.transact(lambda connection: admin.pause(connection, paused=False))
    bench.clock.now += 2
    assert (await bench.until_ended(lane[2].key)).state == "done"
    await worker.stop()


async def test_a_drain_stops_a_lane_that_is_running(bench: Bench) -> None:
    """While a pod drains, a lane ends with the delivery that runs: what is behind it is for another pod, at once."""
    gate = Gate()
    worker, dispatch = bench.worker(gate)
    worker.start()
    first, second = event("C1", 1), event("C1", 2)
    await worker.accept(first, LATER, reserved=await worker.reserve())
    await worker.accept(second, LATER, reserved=False)
    await until(lambda: dispatch.runs, what="the first one runs")
    worker.stop_taking()
    gate.go.set()
    assert await worker.finish(30)
    assert (await bench.row(first.key)).state == "done"
    row, lane = await bench.row(second.key), await bench.lane(second.lane)
    assert lane is not None
    assert (row.state, row.attempts, lane.owner, len(dispatch.runs)) == ("live", 0, None, 1)
    await worker.stop()


async def test_other_pods_are_told_of_what_is_handed_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """They need not wait for their next look: a rollout delays nothing by that."""
    told: list[str] = []
    monkeypatch.setattr(bench.inbox, "wake_others", lambda: told.append("a lane waits"))
    worker, dispatch = bench.worker(Gate())
    await worker.accept(event(), LATER, reserved=await worker.reserve())
    await until(lambda: dispatch.runs, what="it runs")
    worker.stop_taking()
    assert told == []
    assert await worker.hand_back(30) == 1
    assert told == ["a lane waits"]
    await worker.stop()


async def test_other_pods_are_told_of_what_has_no_slot_here(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives where every slot is taken is for whoever has one."""
    told: list[str] = []
    monkeypatch.setattr(bench.inbox, "wake_others", lambda: told.append("a lane waits"))
    worker, _ = bench.worker(nothing)
    assert (await worker.accept(event(), LATER, reserved=False)).waiting
    await until(lambda: told, what="the others are told")
    await worker.stop()


async def test_what_follows_a_run_that_was_cut_while_its_end_was_written_is_handed_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit gave us the lane's next delivery, but nobody is left to run it: it waits, and is no attempt.

    Other pods are told of it once it is free.
    """
    complete, write, writing = bench.inbox.complete, asyncio.Event(), set[asyncio.Task[None]]()
    told = list[str]()

    def slowly(outcome: Outcome, then: Then[Completed] | None = None) -> asyncio.Future[Completed]:
        answer: asyncio.Future[Completed] = asyncio.get_running_loop().create_future()

        async def later() -> None:
            await write.wait()
            completed = await complete(outcome)
            if then is not None:
                then(completed, answer.cancelled())
            if not answer.done():
                answer.set_result(completed)

        writing.add(asyncio.ensure_future(later()))
        return answer

    worker, dispatch = bench.worker(nothing)
    first, second = event("C1", 1), event("C1", 2)
    monkeypatch.setattr(bench.inbox, "complete", slowly)
    await worker.accept(first, LATER, reserved=await worker.reserve())
    await worker.accept(second, LATER, reserved=False)
    await until(lambda: dispatch.runs, what="the first one has run")
    await worker.hand_back(30)
    monkeypatch.setattr(bench.inbox, "wake_others", lambda: told.append("a lane waits"))
    write.set()
    assert (await bench.until_ended(first.key)).state == "done"

    async def is_free() -> bool:
        lane = await bench.lane(second.lane)
        return lane is not None and lane.owner is None

    await until_answer(is_free, what="the lane is free")
    assert ((await bench.row(second.key)).attempts, len(dispatch.runs)) == (0, 1)
    await until(lambda: told, what="the others are told")
    await worker.stop()


async def test_a_claim_that_failed_takes_no_slot(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slots for what it would have claimed are there for the next claim."""
    claim, tries = bench.inbox.claim, list[int]()

    async def fails_first(most: int, urgent: int) -> Claimed:
        tries.append(most)
        if len(tries) <= 2:
            raise StoreUnavailableError("the database did not answer")
        return await claim(most, urgent)

    monkeypatch.setattr(bench.inbox, "claim", fails_first)
    worker, _ = bench.worker(nothing, concurrency=1)
    delivery = event()
    await worker.accept(delivery, LATER, reserved=False)
    worker.start()
    assert (await bench.until_ended(delivery.key)).state == "done"
    assert set(tries) == {1}
    await worker.stop()


async def test_a_lane_is_claimed_when_its_backoff_is_over(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pod that ended its attempt looks at that moment, and does not wait for its next look at all lanes."""
    monkeypatch.setattr(claims, "POLL_SECONDS", 3600)

    async def fails_once(run: Run) -> None:
        if run.attempt.attempt == 1:
            raise ConnectionResetError("for a moment")

    at_once = dataclasses.replace(LIMITS, backoff_base_seconds=0.0)  # time stands still in the inbox
    worker, dispatch = bench.worker(fails_once, limits=at_once)
    worker.start()
    delivery = event()
    await worker.accept(delivery, LATER, reserved=await worker.reserve())
    await until(lambda: len(dispatch.runs) == 2, what="it is tried again")
    assert await worker.finish(5)
    assert (await bench.row(delivery.key)).state == "done"
    await worker.stop()


async def test_a_pod_without_a_slot_asks_once_a_second(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is told that a lane waits: each claim is a transaction, and this one could take nothing."""
    claim, asked = bench.inbox.claim, list[float]()

    async def noted(most: int, urgent: int) -> Claimed:
        asked.append(bench.clock.now)
        return await claim(most, urgent)

    monkeypatch.setattr(bench.inbox, "claim", noted)
    gate = Gate()
    worker, dispatch = bench.worker(gate, concurrency=1)
    await worker.accept(event("C1"), LATER, reserved=await worker.reserve())
    await until(lambda: dispatch.runs, what="it runs")
    worker.start()
    await worker.accept(event("C2"), LATER, reserved=False)
    await until(lambda: asked, what="it has asked the inbox")
    for _ in range(5):
        bench.inbox.on_wake()
        await asyncio.sleep(2 * GATHER_SECONDS)  # nothing tells that the loop has had its turn and has not asked
    assert asked == [asked[0]]
    bench.clock.now += POLL_SECONDS
    bench.inbox.on_wake()
    await until(lambda: len(asked) == 2, what="it has asked once more")
    gate.go.set()
    await worker.finish(30)
    await worker.stop()


@pytest.mark.parametrize("waits", [False, True])
async def test_a_full_pod_learns_whether_lanes_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    """If none waits, what arrives next runs where it arrives once a slot is free; if one waits, that is first."""
    claim, answered = bench.inbox.claim, list[bool]()

    async def noted(most: int, urgent: int) -> Claimed:
        claimed = await claim(most, urgent)
        answered.append(claimed.more)
        return claimed

    monkeypatch.setattr(bench.inbox, "claim", noted)
    gate = Gate()
    worker, dispatch = bench.worker(gate, concurrency=1)
    await worker.accept(event("C1"), LATER, reserved=await worker.reserve())
    await until(lambda: dispatch.runs, what="it runs")
    if waits:
        await worker.accept(event("C2"), LATER, reserved=False)
    slots = RunSlots(bench.inbox, 0, clock=bench.clock)
    claiming = asyncio.create_task(Claims(bench.inbox, slots, lambda _: None, clock=bench.clock).run())
    slots.wake.set()
    await until(lambda: answered, what="the inbox has answered")
    await bench.lane("x")  # and the loop has heard of it
    assert (answered[0], slots.backlog) == (waits, waits)
    claiming.cancel()
    gate.go.set()
    worker.start()
    await worker.finish(30)
    await worker.stop()


async def test_one_claim_takes_no_more_than_fifty_lanes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction stays short however many slots are free: other pods claim at the same time."""
    claim, asked = bench.inbox.claim, list[int]()

    async def noted(most: int, urgent: int) -> Claimed:
        asked.append(most)
        return await claim(most, urgent)

    monkeypatch.setattr(bench.inbox, "claim", noted)
    worker, dispatch = bench.worker(nothing, concurrency=500)
    for n in range(60):
        await worker.accept(event(f"C{n}"), LATER, reserved=False)
    worker.start()
    await until(lambda: len(dispatch.runs) == 60, what="all run")
    assert max(asked) == 50
    await worker.finish(30)
    await worker.stop()


async def test_what_was_taken_without_a_slot_counts_as_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit whose answer was lost may have taken a lane for a delivery that had no slot: it takes the next one."""
    accept = bench.inbox.accept

    def takes_all_the_same(item: Item, deadline: float, then: Then[Accepted]) -> asyncio.Future[Accepted]:
        item.take = True
        return accept(item, deadline, then)

    gate = Gate()
    worker, dispatch = bench.worker(gate, concurrency=1)
    with monkeypatch.context() as patch:
        patch.setattr(bench.inbox, "accept", takes_all_the_same)
        assert (await worker.accept(event("C1"), LATER, reserved=False)).held is not None
    claim, asked = bench.inbox.claim, list[int]()

    async def noted(most: int, urgent: int) -> Claimed:
        asked.append(most)
        return await claim(most, urgent)

    monkeypatch.setattr(bench.inbox, "claim", noted)
    second = event("C2")
    await worker.accept(second, LATER, reserved=False)
    worker.start()
    await until(lambda: asked, what="it has asked the inbox")
    assert (asked[0], len(dispatch.runs)) == (0, 1)
    gate.go.set()
    assert (await bench.until_ended(second.key)).state == "done"
    await worker.stop()


async def test_a_duplicate_gives_its_slot_back(bench: Bench) -> None:
    """Where Slack repeats itself more often than there are slots, what is new still runs at once."""
    worker, _ = bench.worker(nothing, concurrency=1)
    delivery = event("C1")
    assert (await worker.accept(delivery, LATER, reserved=await worker.reserve())).new
    await bench.until_ended(delivery.key)
    await until(lambda: worker.running == 0, what="its slot is free")
    for _ in range(3):
        assert not (await worker.accept(delivery, LATER, reserved=await worker.reserve())).new
    later = event("C2")
    reserved = await worker.reserve()
    assert reserved
    assert (await worker.accept(later, LATER, reserved=reserved)).held is not None
    assert (await bench.until_ended(later.key)).state == "done"
    await worker.stop()
