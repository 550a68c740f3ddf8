"""What is stored runs: in its lane, as often as it must, as long as it may."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery, Kind
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.history import read
from anchorbolt.inbox.lease import Held, Lease
from anchorbolt.inbox.tables import delivery as deliveries
from anchorbolt.inbox.tables import lane as lanes
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.watchdog import Blamed
from anchorbolt.worker.worker import Worker
from sqlalchemy import update
from structlog.testing import capture_logs

from tests.support.loop_time import LoopTime
from tests.support.waiting import until, until_answer
from tests.unit.worker.conftest import LIMITS, Bench, event

LATER = 1e12


async def nothing(_: Run) -> None:
    """A run that ends well at once."""


async def fails(_: Run) -> None:
    """A run that never ends well."""
    raise ConnectionResetError("again")


async def accept(worker: Worker, delivery: Delivery) -> Accepted:
    """Stores an event as intake does."""
    return await worker.accept(delivery, LATER, reserved=await worker.reserve())


async def end(worker: Worker) -> None:
    """Ends a worker as the life of a pod does."""
    worker.stop_taking()
    await worker.hand_back(5)
    await worker.stop()


async def taken_by_a_process_that_dies(bench: Bench, *events: Delivery) -> list[Held]:
    """Stores events and starts them in the name of a process that will say nothing more."""
    items = [Item(one.key, one.lane, one.kind.value, one.content_type, one.body, take=True) for one in events]
    accepted = await asyncio.gather(*(bench.inbox.accept(item, LATER) for item in items))
    return [one.held for one in accepted if one.held is not None]


async def cut_short(bench: Bench, delivery: Delivery, crashes: int) -> None:
    """Says of a delivery how often a dead process has cut it short."""
    values = {"crashes": crashes, "attempts": crashes + 1}  # the one that a process holds now is counted
    await bench.database.transact(
        lambda connection: connection.execute(
            update(deliveries).where(deliveries.c.key == delivery.key).values(**values)
        )
    )


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


async def test_a_failed_attempt_waits_for_its_backoff_and_its_lane_with_it(bench: Bench) -> None:
    """Until the backoff is over nothing of the lane runs; then the same delivery again, then the one behind it."""
    keys: list[str] = []

    async def work(run: Run) -> None:
        keys.append(f"{run.delivery.key} {run.attempt.attempt}")
        if len(keys) == 1:
            raise ConnectionResetError

    worker, _ = bench.worker(work)
    worker.start()
    first, second = event(), event()
    await accept(worker, first)
    await accept(worker, second)

    async def freed() -> bool:
        lane = await bench.lane(first.lane)
        return lane is not None and lane.owner is None

    await until_answer(freed, what="the lane waits for its backoff")
    assert keys == [f"{first.key} 1"]
    bench.clock.now += 1
    await bench.until_ended(second.key)
    assert keys == [f"{first.key} 1", f"{first.key} 2", f"{second.key} 1"]
    await end(worker)


async def test_after_the_last_attempt_it_is_a_dead_letter(bench: Bench) -> None:
    """The listener is told of its last attempt, Slack may be told of the end, and the lane goes on."""
    worker, dispatch = bench.worker(fails)
    worker.start()
    delivery = event()
    await accept(worker, delivery)
    row = await bench.until_ended(delivery.key)
    assert row.state == "dead"
    assert (row.attempts, row.error, row.body) == (3, "ConnectionResetError: again", delivery.body)
    assert [(run.attempt.attempt, run.attempt.is_last) for run in dispatch.runs] == [(1, False), (2, False), (3, True)]
    assert dispatch.reported == [f"{delivery.key}: ConnectionResetError: again"]
    assert await bench.lane(delivery.lane) is None
    await end(worker)


async def test_each_failed_attempt_is_told(bench: Bench) -> None:
    """In the log and in the history: how it ended, why, where it ran and for how long; the row has the listener."""

    async def slow(run: Run) -> None:
        run.listener = "app.on"
        bench.clock.now += 2
        raise ConnectionResetError("again")

    worker, _ = bench.worker(slow, limits=dataclasses.replace(LIMITS, backoff_base_seconds=0.0))
    worker.start()
    delivery = event()
    with capture_logs() as lines:
        await accept(worker, delivery)
        await until(lambda: [line for line in lines if line.get("outcome") == "dead"], what="it is a dead letter")
    row, pod = await bench.row(delivery.key), bench.inbox.owner
    history = read(row.history)
    assert [(past.attempt, past.outcome) for past in history] == [(1, "retry"), (2, "retry"), (3, "dead")]
    assert {(past.listener, past.pod, past.seconds) for past in history} == {("app.on", pod, 2.0)}
    assert all(past.traceback is not None and past.traceback.endswith("again\n") for past in history)
    told = [line for line in lines if line["event"] == "delivery ended"]
    assert [(line["outcome"], line["attempt"]) for line in told] == [("failed", 1), ("failed", 2), ("dead", 3)]
    common = {(line["lane"], line["duration_ms"], line["error"], line["reason"], line["listener"]) for line in told}
    assert common == {(delivery.lane, 2000.0, "ConnectionResetError: again", "transient", "app.on")}
    assert row.listener == "app.on"
    await end(worker)


async def test_a_workflow_step_that_slack_has_accepted_is_not_run_again(bench: Bench) -> None:
    """Whatever its listener fails of afterwards, and Slack is not told once more."""

    async def late(run: Run) -> None:
        run.step_is_over = True
        raise ConnectionResetError("later")

    worker, dispatch = bench.worker(late)
    delivery = event()
    await accept(worker, delivery)
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts, dispatch.reported) == ("dead", 1, [])
    await end(worker)


async def test_a_listener_that_cancels_itself_has_a_bug(bench: Bench) -> None:
    """Nobody else has cancelled it, so that no attempt would mend it; the app's error handler is told."""

    async def cancels_itself(_: Run) -> None:
        raise asyncio.CancelledError

    worker, dispatch = bench.worker(cancels_itself)
    delivery = event()
    await accept(worker, delivery)
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.error) == ("dead", "RunError: the listener cancelled itself")
    assert [str(run.error) for run in dispatch.concluded] == ["the listener cancelled itself"]
    await end(worker)


async def test_what_is_still_running_when_the_worker_ends_is_not_judged(bench: Bench) -> None:
    """Its lease runs out, and another process goes on with it: as after the death of this one."""

    async def goes_on(_: Run) -> None:
        await asyncio.Event().wait()

    worker, dispatch = bench.worker(goes_on)
    delivery = event()
    await accept(worker, delivery)
    await until(lambda: dispatch.runs, what="it runs")
    await worker.stop()
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (row.state, row.error, row.history, lane.owner) == ("live", None, None, bench.inbox.owner)


async def test_a_run_that_takes_too_long_is_a_failed_attempt(bench: Bench) -> None:
    """Past its time limit a run is cancelled and has failed."""
    ended: list[str] = []

    async def work(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("really")

    worker, _ = bench.worker(work, limits=dataclasses.replace(LIMITS, run_timeout_seconds=0.05, max_attempts=1))
    delivery = event()
    await accept(worker, delivery)
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.error) == ("dead", "RunTimeoutError: it took longer than RUN_TIMEOUT_SECONDS (0.05)")
    assert ended == ["really"]


async def test_a_run_that_swallows_its_cancellation_is_not_done(bench: Bench) -> None:
    """A listener that was cut and returns all the same is not done: too late is failed, cut by a drain goes back."""

    async def work(_: Run) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    # 1. Past its time limit.
    worker, dispatch = bench.worker(work, limits=dataclasses.replace(LIMITS, run_timeout_seconds=0.05, max_attempts=1))
    late = event()
    await accept(worker, late)
    row = await bench.until_ended(late.key)
    assert (row.state, row.error) == ("dead", "RunTimeoutError: it took longer than RUN_TIMEOUT_SECONDS (0.05)")
    # 2. At the end of the pod.
    worker, dispatch = bench.worker(work)
    cut = event()
    await accept(worker, cut)
    await until(lambda: dispatch.runs, what="it runs")
    assert await worker.hand_back(5) == 1
    row, lane = await bench.row(cut.key), await bench.lane(cut.lane)
    assert lane is not None
    assert (row.state, row.attempts, lane.owner) == ("live", 0, None)
    await end(worker)


async def test_a_run_that_will_not_end_is_named(bench: Bench) -> None:
    """A listener that goes on whatever is cancelled is not handed back, and the log says whose delivery it holds."""
    go = asyncio.Event()

    async def work(_: Run) -> None:
        while not go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await go.wait()

    worker, dispatch = bench.worker(work)
    delivery = event()
    await accept(worker, delivery)
    await until(lambda: dispatch.runs, what="it runs")
    with capture_logs() as lines:
        assert await worker.hand_back(0.01) == 0
    assert [line["key"] for line in lines if "goes on though" in line["event"]] == [delivery.key]
    go.set()
    await end(worker)


async def test_what_a_dead_process_held_runs_again(bench: Bench) -> None:
    """Once its lease has run out, a delivery is attempt 2 with one crash; before that, nobody touches it."""
    delivery = event()
    await taken_by_a_process_that_dies(bench, delivery)
    worker, dispatch = bench.worker(nothing)
    worker.start()
    bench.clock.now += 8.9
    await asyncio.wait_for(asyncio.shield(bench.inbox.claim(10)), 5)
    assert dispatch.runs == []
    bench.clock.now += 0.2
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts, row.crashes) == ("done", 2, 1)
    (run,) = dispatch.runs
    assert (run.attempt.attempt, run.attempt.crashes) == (2, 1)
    await end(worker)


async def test_crashes_do_not_use_up_attempts(bench: Bench) -> None:
    """A delivery that two crashes cut short has all its attempts still: it fails as often as any other."""
    delivery = event()
    await taken_by_a_process_that_dies(bench, delivery)
    await cut_short(bench, delivery, 2)
    bench.clock.now += 10
    worker, dispatch = bench.worker(fails)
    worker.start()
    assert (await bench.until_ended(delivery.key)).state == "dead"
    assert len(dispatch.runs) == LIMITS.max_attempts
    assert [run.attempt.is_last for run in dispatch.runs] == [False, False, True]
    await end(worker)


async def test_what_kills_its_process_is_buried_without_a_run(bench: Bench) -> None:
    """After MAX_CRASHES a delivery is a dead letter that is not started again."""
    delivery = event()
    await taken_by_a_process_that_dies(bench, delivery)
    await cut_short(bench, delivery, LIMITS.max_crashes - 1)
    bench.clock.now += 10
    worker, dispatch = bench.worker(nothing)
    worker.start()
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.crashes) == ("dead", LIMITS.max_crashes)
    assert "cut short 4 times" in row.error
    assert [past.reason for past in read(row.history)] == ["crashes"]
    assert dispatch.runs == []
    assert dispatch.reported == [f"{delivery.key}: {row.error}"], "a workflow would wait for ever"
    await end(worker)


async def test_cut_while_slack_is_told_of_a_dead_letter(bench: Bench) -> None:
    """A pod that ends while Slack is told hands the delivery back: the next one tells Slack."""
    worker, dispatch = bench.worker(fails, limits=dataclasses.replace(LIMITS, max_attempts=1))
    telling = asyncio.Event()

    async def tell(_: Delivery, __: str) -> None:
        telling.set()
        await asyncio.Event().wait()

    dispatch.tell = tell
    delivery = event()
    await accept(worker, delivery)
    await telling.wait()
    await worker.hand_back(5)
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (row.state, row.attempts, lane.owner) == ("live", 0, None)
    await end(worker)


async def test_suspects_run_alone_and_hold_nothing_while_they_wait(bench: Bench) -> None:
    """Of deliveries that were cut short twice, one runs at a time; the others' lanes are free then: a kill that
    follows is not counted for them."""
    suspects = [event(f"C{n}") for n in range(4)]
    await taken_by_a_process_that_dies(bench, *suspects)
    for delivery in suspects:
        await cut_short(bench, delivery, 1)
    bench.clock.now += 10  # the claim that follows counts the second
    held: list[list[str]] = []

    async def work(run: Run) -> None:
        rows = [await bench.lane(delivery.lane) for delivery in suspects]
        held.append([row.name for row in rows if row is not None and row.owner is not None])
        await asyncio.sleep(0)

    worker, dispatch = bench.worker(work)
    worker.start()
    for delivery in suspects:
        assert (await bench.until_ended(delivery.key)).state == "done"
    assert held == [[run.delivery.lane] for run in dispatch.runs]
    rows = [await bench.row(delivery.key) for delivery in suspects]
    assert [row.crashes for row in rows] == [2] * 4
    await end(worker)


async def test_handed_back_is_no_attempt(bench: Bench) -> None:
    """At the end of the pod a run is cancelled, has really ended, and its lane is free with no attempt counted."""
    ended: list[str] = []

    async def work(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # takes some time to end
            ended.append("really")
            raise

    worker, dispatch = bench.worker(work)
    delivery = event()
    await accept(worker, delivery)
    await until(lambda: dispatch.runs, what="it runs")
    assert not await worker.finish(0.01)
    assert await worker.hand_back(5) == 1
    assert ended == ["really"]
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (row.state, row.attempts, row.crashes, lane.owner) == ("live", 0, 0, None)
    await end(worker)


async def test_a_run_is_stopped_before_its_lease_runs_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose lease cannot be renewed is cancelled in the last tenth of it, when nobody else may claim yet."""
    cancelled: list[float] = []

    async def work(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(bench.clock.now)
            raise

    async def unavailable(_: object) -> list[Lease]:
        raise StoreUnavailableError("the database is away")

    monkeypatch.setattr(bench.inbox, "renew", unavailable)
    # The run's own time limit must not be what ends it.
    worker, dispatch = bench.worker(work, limits=dataclasses.replace(LIMITS, run_timeout_seconds=3600))
    worker.start()
    accepted = await accept(worker, event())
    await until(lambda: dispatch.runs, what="it runs")
    assert accepted.held is not None
    bench.clock.now = accepted.held.sent_at + 0.95 * bench.inbox.lease_seconds
    assert not (await bench.inbox.claim(10)).held
    await until(lambda: cancelled, what="it is cancelled")
    assert cancelled == [accepted.held.sent_at + 0.95 * bench.inbox.lease_seconds]
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


async def test_a_lease_that_was_lost_writes_nothing(bench: Bench) -> None:
    """A run whose lane is another's by now ends without a word to the inbox: the other's result counts.

    The log has it as lost, and what Slack was asked for is counted, because it is asked for again.
    """
    go = asyncio.Event()

    async def work(run: Run) -> None:
        await go.wait()
        run.calls.made = 2
        bench.clock.now += 2

    worker, dispatch = bench.worker(work)
    delivery = event()
    await accept(worker, delivery)
    await until(lambda: dispatch.runs, what="it runs")
    await bench.database.transact(
        lambda connection: connection.execute(
            update(lanes).where(lanes.c.name == delivery.lane).values(owner="another", epoch=77)
        )
    )
    repeats = metrics.web_api_repeats.value("lost")
    with capture_logs() as lines:
        go.set()
        await until(lambda: worker.running == 0, what="it has ended")
    row = await bench.row(delivery.key)
    assert (row.state, row.ended_at) == ("live", None)
    (line,) = [line for line in lines if line["event"] == "delivery ended"]
    assert (line["outcome"], line["lane"], line["duration_ms"]) == ("lost", delivery.lane, 2000.0)
    assert metrics.web_api_repeats.value("lost") == repeats + 2


async def test_a_lease_is_renewed_while_it_runs(bench: Bench) -> None:
    """What runs longer than a lease keeps it."""
    go = asyncio.Event()

    async def work(_: Run) -> None:
        await go.wait()

    worker, dispatch = bench.worker(work)
    delivery = event()
    await accept(worker, delivery)
    await until(lambda: dispatch.runs, what="it runs")
    before = await bench.lane(delivery.lane)
    assert before is not None
    loop_time = LoopTime()
    worker.start()
    await bench.lane(delivery.lane)  # meanwhile its loops have begun
    bench.clock.now += 7
    loop_time.add(7)

    async def renewed() -> bool:
        lane = await bench.lane(delivery.lane)
        return lane is not None and lane.claimable_at > before.claimable_at

    await until_answer(renewed, what="the lease is renewed")
    bench.clock.now += 7  # sixteen seconds after it was taken
    assert not (await bench.inbox.claim(10)).held
    go.set()
    assert (await bench.until_ended(delivery.key)).state == "done"
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


async def test_a_stored_body_that_cannot_be_read_is_buried(bench: Bench) -> None:
    """A row that no version of ours could have written is a dead letter, and does not stop its lane."""
    broken, fine = event(), event()
    await taken_by_a_process_that_dies(bench, broken)
    await bench.database.transact(
        lambda connection: connection.execute(update(deliveries).values(body="{").where(deliveries.c.key == broken.key))
    )
    worker, dispatch = bench.worker(nothing)
    await accept(worker, fine)
    bench.clock.now += 10
    worker.start()
    assert (await bench.until_ended(fine.key)).state == "done"
    row = await bench.row(broken.key)
    assert (row.state, row.error) == ("dead", "the stored body cannot be read: bad_json")
    assert [past.reason for past in read(row.history)] == ["unreadable"]
    assert [run.delivery.key for run in dispatch.runs] == [fine.key]
    await end(worker)


@pytest.mark.parametrize("ends_well", [True, False])
async def test_a_listener_that_was_adopted(bench: Bench, ends_well: bool) -> None:
    """A listener that goes on after its ack is stored meanwhile, and done at its end, or tried again if it fails."""
    worker, dispatch = bench.worker(nothing)
    worker.start()
    delivery = event()
    go, left = asyncio.Event(), list[str]()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: left.append("left"))

    async def listener() -> None:
        await go.wait()
        if not ends_well:
            raise ConnectionResetError("late")

    run.spawn(listener())
    accepted = await worker.adopt(run, LATER)
    assert accepted.held is not None
    assert (await bench.row(delivery.key)).attempts == 1
    go.set()
    await until(lambda: left, what="its slot is free")
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts) == ("done", 1 if ends_well else 2)
    assert len(dispatch.runs) == (0 if ends_well else 1)
    await end(worker)


async def test_an_adopted_listener_is_handed_back(bench: Bench) -> None:
    """Cut at the end of the pod, an adopted listener has really ended, and its delivery waits, no attempt counted."""
    worker, _ = bench.worker(nothing)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)

    async def listener() -> None:
        await asyncio.Event().wait()

    run.spawn(listener())
    await worker.adopt(run, LATER)
    await until(lambda: worker.running == 1, what="it is held")
    assert await worker.hand_back(5) == 1
    assert run.ended
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (row.state, row.attempts, lane.owner) == ("live", 0, None)
    await end(worker)


async def test_an_adopted_listener_that_is_not_stored_gets_its_time_too(bench: Bench) -> None:
    """At the end of the pod, what was acknowledged while the database was away is waited for: nobody else has it."""
    worker, _ = bench.worker(nothing)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)
    go = asyncio.Event()

    async def listener() -> None:
        await go.wait()

    run.spawn(listener())
    accepting = worker.adopt(run, LATER)
    accepting.cancel()  # it could not be stored
    assert not await worker.finish(0.01)
    with capture_logs() as lines:
        go.set()
        assert await worker.finish(5)
    assert run.ended
    assert [line["outcome"] for line in lines if line["event"] == "delivery ended"] == ["done"]
    await end(worker)


async def test_what_is_lost_is_said(bench: Bench) -> None:
    """What was acknowledged, could not be stored and does not end in time is cut, and the log says that it is lost."""
    worker, _ = bench.worker(nothing)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)

    async def listener() -> None:
        await asyncio.Event().wait()

    run.spawn(listener())
    worker.adopt(run, LATER).cancel()
    assert not await worker.finish(0.01)
    with capture_logs() as lines:
        await worker.hand_back(5)
    assert run.ended
    (line,) = lines
    assert (line["event"], line["key"], line["outcome"]) == ("delivery ended", delivery.key, "lost")
    assert line["error"] == "RunError: cut short by the end of this process, and stored nowhere"
    await end(worker)
