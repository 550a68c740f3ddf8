"""A run that is cancelled, or whose time is over, goes to no other process, whatever comes at the same moment."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

from anchorbolt.bolt.run import Run
from anchorbolt.bolt.web_api.calls import GRACE_SECONDS
from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.stopping import Stopping
from anchorbolt.telemetry import metrics
from anchorbolt.worker.runs import Cut
from anchorbolt.worker.worker import Worker

from tests.support.told_runs import tell_of_its_end
from tests.support.waiting import until
from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.steps import LATER, accept, end, nothing, taken_by_a_process_that_dies

STOPPING = Stopping()


async def cancel(bench: Bench, key: str) -> None:
    """What `inbox cancel` does to what runs."""

    def work(connection: object) -> None:
        found = STOPPING.find(connection, key)  # type: ignore[arg-type]
        assert found is not None
        assert found.state == "running"
        STOPPING.cancel(connection, found, "ann")  # type: ignore[arg-type]

    await bench.inbox.store.transact(work)


async def test_what_was_cancelled_in_a_process_that_died_does_not_begin(bench: Bench) -> None:
    """Whoever takes the lane over ends it as cancelled without a run, tells Slack of it, and goes on behind it."""
    first, behind = event(n=1), event(n=2)
    await taken_by_a_process_that_dies(bench, first, behind)
    await cancel(bench, first.key)
    worker, dispatch = bench.worker(nothing)
    bench.clock.now += 10
    worker.start()
    row = await bench.until_ended(first.key)
    assert (row.state, row.error) == ("cancelled", "cancelled by ann")
    assert (await bench.until_ended(behind.key)).state == "done"
    assert [run.delivery.key for run in dispatch.runs] == [behind.key]
    assert dispatch.reported == [f"{first.key}: cancelled by ann"]
    assert dispatch.concluded == []
    await end(worker)


async def test_what_was_handed_back_before_it_was_cancelled_does_not_begin(bench: Bench) -> None:
    """A process that drains hands a delivery back; the cancellation that it has not seen holds for the next one."""
    delivery = event()
    (held,) = await taken_by_a_process_that_dies(bench, delivery)
    await cancel(bench, delivery.key)
    await bench.inbox.complete(Outcome(held.lease, held.stored.id, End.HANDED_BACK))
    worker, dispatch = bench.worker(nothing)
    worker.start()
    assert (await bench.until_ended(delivery.key)).state == "cancelled"
    assert dispatch.runs == []
    await end(worker)


async def test_a_drain_does_not_hand_a_cancelled_run_on(bench: Bench) -> None:
    """A run that is cancelled while its process drains ends as cancelled, though it needs some time for that."""
    cut, go = asyncio.Event(), asyncio.Event()

    async def work(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.set()
            await go.wait()
            raise

    worker, dispatch = bench.worker(work)
    worker.start()
    delivery = event()
    await accept(worker, delivery)
    await until(lambda: dispatch.runs, what="it runs")
    await cancel(bench, delivery.key)
    await cut.wait()
    worker.stop_taking()
    draining = asyncio.create_task(worker.hand_back(5))
    await asyncio.sleep(0)
    go.set()
    assert await draining == 1
    assert (await bench.until_ended(delivery.key)).state == "cancelled"
    await end(worker)


async def test_a_drain_does_not_hand_on_what_was_over_its_time(bench: Bench) -> None:
    """A listener that swallows the end of its time is cut by the drain: an attempt that failed, and its last one."""
    over, go_on = asyncio.Event(), asyncio.Event()

    async def work(_: Run) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        over.set()
        await go_on.wait()

    worker, _ = bench.worker(work, limits=dataclasses.replace(LIMITS, run_timeout_seconds=0.05, max_attempts=1))
    delivery = event()
    await accept(worker, delivery)
    await over.wait()
    assert await worker.hand_back(5) == 1
    row = await bench.row(delivery.key)
    assert (row.state, row.error) == ("dead", "RunTimeoutError: it took longer than RUN_TIMEOUT_SECONDS (0.05)")
    await end(worker)


async def test_what_is_stopped_before_it_has_begun_does_not_begin(bench: Bench) -> None:
    """A drain that ends in the moment in which a delivery is stored hands it back, and no line of its listener runs."""
    worker, dispatch = bench.worker(nothing)
    delivery, before = event("C1"), event("C2")
    handing_back: list[asyncio.Task[int]] = []

    def drain(*_: object) -> None:
        handing_back.append(asyncio.create_task(worker.hand_back(5)))

    item = Item(before.key, before.lane, before.kind.value, before.content_type, before.body)
    bench.inbox.accept(item, LATER, drain)
    accepted = await accept(worker, delivery)
    assert accepted.held is not None
    assert await handing_back[0] == 1
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (dispatch.runs, row.state, row.attempts, lane.owner) == ([], "live", 0, None)
    await worker.stop()


async def test_what_is_stored_after_the_drain_does_not_begin(bench: Bench, standstill: asyncio.Event) -> None:
    """A write that ends only when all was handed back, as after an outage, gives its delivery to another pod."""
    worker, dispatch = bench.worker(nothing)
    delivery = event()
    accepting = worker.accept(delivery, LATER, reserved=await worker.reserve())
    assert await worker.hand_back(5) == 0
    standstill.set()
    assert (await accepting).held is not None
    assert await worker.finish(5)
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (dispatch.runs, row.state, row.attempts, lane.owner) == ([], "live", 0, None)
    await worker.stop()


async def waits_for_its_end(bench: Bench, standstill: asyncio.Event) -> tuple[Worker, list[str]]:
    """A worker whose run made two calls, and ended as the database began to stand still; what is told of its end."""
    outcomes = list[str]()

    async def work(run: Run) -> None:
        run.calls.made = 2
        tell_of_its_end(run, outcomes.append)
        standstill.clear()

    standstill.set()
    worker, dispatch = bench.worker(work)
    await accept(worker, event())
    await until(lambda: dispatch.runs, what="it has run")
    return worker, outcomes


async def test_a_run_whose_end_is_not_written_any_more_is_over(bench: Bench, standstill: asyncio.Event) -> None:
    """It was cut while the database stood still, and then the inbox is closed: what waits for its end is told.

    Its calls count as repeats from then on, because another process runs it again.
    """
    worker, outcomes = await waits_for_its_end(bench, standstill)
    await worker.hand_back(0.1 - GRACE_SECONDS)
    await worker.stop()
    repeats = metrics.web_api_repeats.value("expired")
    assert outcomes == []
    await bench.inbox._completions.stop()
    assert outcomes == ["not_written"]
    assert metrics.web_api_repeats.value("expired") == repeats + 2
    standstill.set()


async def test_a_run_that_is_cut_when_its_end_has_failed_is_over(bench: Bench, standstill: asyncio.Event) -> None:
    """The inbox is closed, and the run is cut before its task has heard of that: what waits for its end is told."""
    worker, outcomes = await waits_for_its_end(bench, standstill)
    (running,) = worker._runs
    await until(lambda: running.writes_end, what="its end is on the way")
    await bench.inbox._completions.stop()
    running.stop(Cut.DRAINED)
    assert await worker.finish(5)
    assert outcomes == ["not_written"]
    standstill.set()
    await worker.stop()
