"""What follows when an attempt fails: another one, or a dead letter; also where it will not end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.complete import Completed
from anchorbolt.inbox.history import read
from anchorbolt.inbox.tables import delivery as deliveries
from sqlalchemy import update
from structlog.testing import capture_logs

from tests.support.waiting import until, until_answer
from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.steps import accept, end, fails, for_ever, nothing, taken_by_a_process_that_dies


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


async def test_a_run_whose_end_could_not_be_written_is_over_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was cut short: its trace ends, though the inbox was closed before its end was written."""
    outcomes: list[str] = []
    monkeypatch.setattr(Run, "over", lambda _, outcome: outcomes.append(outcome))

    def closed(*_: object) -> asyncio.Future[Completed]:
        refused: asyncio.Future[Completed] = asyncio.get_running_loop().create_future()
        refused.set_exception(StoreUnavailableError("the inbox is closed"))
        return refused

    async def goes_on(_: Run) -> None:
        await for_ever()

    monkeypatch.setattr(bench.inbox, "complete", closed)
    worker, dispatch = bench.worker(goes_on)
    await accept(worker, event())
    await until(lambda: dispatch.runs, what="it runs")
    await worker.hand_back(5)
    assert outcomes == ["not_written"]
    await worker.stop()


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
