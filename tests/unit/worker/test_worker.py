"""What is stored runs: in its lane, and in one of the slots."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Kind
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.telemetry.watchdog import Blamed

from tests.support.waiting import until
from tests.unit.worker.conftest import Bench, event
from tests.unit.worker.steps import LATER, accept, end, nothing


async def test_an_arrival_runs_at_once_and_is_done(bench: Bench) -> None:
    """What arrives in an empty lane runs without being claimed, as attempt 1, and its row loses its body."""
    worker, dispatch = bench.worker(nothing)
    delivery = event()
    accepted = await accept(worker, delivery)
    assert accepted.held is not None
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.body, row.attempts) == ("done", None, 1)
    assert await bench.lane(delivery.lane) is None
    (run,) = dispatch.runs
    assert run.attempt == Attempt(delivery.key, Kind.EVENT, attempt=1, is_last=False, crashes=0)
    assert run.delivery is delivery


async def test_where_it_belongs_is_stored_with_it(bench: Bench) -> None:
    """Operators look for the deliveries of a workspace or a conversation, and pause them."""
    worker, _ = bench.worker(nothing)
    delivery = event("C7")
    await worker.accept(delivery, LATER, reserved=False)
    row = await bench.row(delivery.key)
    assert (row.workspace, row.conversation, row.kind) == (delivery.workspace, "C7", "event")
    assert (row.content_type, row.body) == (delivery.content_type, delivery.body)


async def test_who_holds_up_the_event_loop_is_named(bench: Bench) -> None:
    """The watchdog asks for a task: that of a run, or one that its listener has begun; others are no delivery's."""
    go = asyncio.Event()
    tasks: list[asyncio.Task[object]] = []

    async def work(run: Run) -> None:
        run.listener = "app.on"
        if (task := asyncio.current_task()) is not None:
            tasks.append(task)
        await go.wait()

    worker, _ = bench.worker(work)
    one, other = event("C1"), event("C2")
    await accept(worker, one)
    await accept(worker, other)
    begun = worker.begin(event("C3"), ack_by=LATER, on_end=lambda: None)
    begun.spawn(work(begun))
    await until(lambda: len(tasks) == 3, what="all run")
    blamed = [worker.blame(task) for task in tasks]
    assert blamed == [Blamed(key, "app.on") for key in (one.key, other.key, begun.delivery.key)]
    here = asyncio.current_task()
    assert here is not None
    assert worker.blame(here) is None
    go.set()
    worker.keep(begun)
    await worker.finish(5)
    await end(worker)


async def test_a_slot_is_free_again_where_nothing_was_stored(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database was not there until the deadline, whether somebody still waits for the accept or not."""

    async def away(_: object) -> None:
        raise StoreUnavailableError("the database is away")

    monkeypatch.setattr(bench.database, "transact", away)
    worker, _ = bench.worker(nothing, concurrency=2)
    accepting = [worker.accept(event(f"C{n}"), bench.clock.now, reserved=await worker.reserve()) for n in range(2)]
    assert worker._slots.free == 0
    accepting[0].cancel()
    await until(lambda: worker._slots.free == 2, what="both slots are free again")
    with pytest.raises(StoreUnavailableError):
        await accepting[1]


async def test_a_lane_runs_one_at_a_time_in_order(bench: Bench) -> None:
    """Five events of a thread run one after the other as they were accepted; another thread runs beside them."""
    told: list[str] = []
    go = asyncio.Event()

    async def work(run: Run) -> None:
        told.append(f"start {run.delivery.payload['event']['text']}")
        await go.wait()
        told.append(f"end {run.delivery.payload['event']['text']}")

    worker, _ = bench.worker(work)
    lane = [event("C1", n) for n in range(5)]
    other = event("C2", 9)
    for delivery in [*lane, other]:
        await accept(worker, delivery)
    await until(lambda: len(told) == 2, what="one of each lane runs")
    assert sorted(told) == ["start n=0", "start n=9"]
    go.set()
    for delivery in [*lane, other]:
        assert (await bench.until_ended(delivery.key)).state == "done"
    of_the_lane = [line for line in told if not line.endswith("n=9")]
    assert of_the_lane == [f"{word} n={n}" for n in range(5) for word in ("start", "end")]
    await end(worker)


async def test_a_lane_lets_others_that_wait_run(bench: Bench) -> None:
    """While another lane waits for the only slot, a lane runs ten deliveries in a row and then queues behind it."""
    order: list[str] = []
    go = asyncio.Event()

    async def work(run: Run) -> None:
        await go.wait()
        order.append(run.delivery.key)

    worker, _ = bench.worker(work, concurrency=1)
    worker.start()
    lane = [event("C1", n) for n in range(25)]
    other = event("C2")
    # 1. A long lane has the only slot.
    await accept(worker, lane[0])
    for delivery in lane[1:]:
        await worker.accept(delivery, LATER, reserved=False)
    # 2. Another one waits for it.
    bench.clock.now += 1
    assert (await worker.accept(other, LATER, reserved=False)).waiting
    # 3. It need not wait until the long lane is empty.
    bench.clock.now += 1
    go.set()
    await until(lambda: len(order) == 26, what="all have run")
    assert order == [one.key for one in [*lane[:10], other, *lane[10:]]]
    await end(worker)


async def test_the_longest_run_is_told(bench: Bench) -> None:
    """While runs go on, the worker says how long the first of them does; 0 where none runs."""
    go = asyncio.Event()

    async def work(_: Run) -> None:
        await go.wait()

    worker, dispatch = bench.worker(work)
    assert worker.longest_run_seconds == 0
    deliveries = [event("C1", 1), event("C2", 2)]
    for number, delivery in enumerate(deliveries, start=1):
        await accept(worker, delivery)
        await until(lambda number=number: len(dispatch.runs) == number, what="it runs")  # type: ignore[misc]
        bench.clock.now += 2
    assert worker.longest_run_seconds == 4
    go.set()
    for delivery in deliveries:
        await bench.until_ended(delivery.key)
    await until(lambda: worker.longest_run_seconds == 0, what="nothing runs")


async def test_the_end_of_a_failure_is_no_long_run(bench: Bench) -> None:
    """While the app is told of a dead letter, its run goes on since it began, and no longer: else an alert fires."""
    seen: list[float] = []

    async def fails(_: Run) -> None:
        bench.clock.now += 4
        raise LookupError("a bug")

    async def handle(_: Run) -> None:
        seen.append(worker.longest_run_seconds)

    worker, dispatch = bench.worker(fails)
    dispatch.handle = handle
    one = event()
    await accept(worker, one)
    await bench.until_ended(one.key)
    assert seen == [4]


async def test_no_more_run_than_there_are_places(bench: Bench) -> None:
    """Of ten lanes, three run at once; the others wait in the inbox and come when there is a place."""
    most, go = [0], asyncio.Event()

    async def work(_: Run) -> None:
        most[0] = max(most[0], worker.running)
        await go.wait()

    worker, dispatch = bench.worker(work, concurrency=3)
    worker.start()
    events = [event(f"C{n}") for n in range(10)]
    await asyncio.gather(*(accept(worker, delivery) for delivery in events))
    assert len(dispatch.runs) <= 3
    go.set()
    for delivery in events:
        assert (await bench.until_ended(delivery.key)).state == "done"
    assert most[0] <= 3
    await end(worker)


async def test_a_draining_runner_stores_and_starts_nothing(bench: Bench) -> None:
    """After stop_taking what arrives is stored for others; after resume_taking it runs here."""
    worker, dispatch = bench.worker(nothing)
    worker.start()
    worker.stop_taking()
    delivery = event()
    accepted = await accept(worker, delivery)
    assert (accepted.new, accepted.held) == (True, None)
    assert dispatch.runs == []
    worker.resume_taking()
    assert (await bench.until_ended(delivery.key)).state == "done"
    await end(worker)


async def test_a_duplicate_runs_nothing(bench: Bench) -> None:
    """The same key again is not new, while the first runs and after it has ended."""
    go = asyncio.Event()

    async def work(_: Run) -> None:
        await go.wait()

    worker, dispatch = bench.worker(work)
    delivery = event()
    assert (await accept(worker, delivery)).new
    assert not (await accept(worker, delivery)).new
    go.set()
    await bench.until_ended(delivery.key)
    assert not (await accept(worker, delivery)).new
    assert len(dispatch.runs) == 1
    assert await bench.lane(delivery.lane) is None
    await end(worker)
