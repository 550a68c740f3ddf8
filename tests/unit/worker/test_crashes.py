"""What was cut short runs again, and is no attempt; what kills its process is buried."""

from __future__ import annotations

import asyncio
import dataclasses

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.inbox.history import read

from tests.support.waiting import until
from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.steps import accept, cut_short, end, fails, nothing, taken_by_a_process_that_dies


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
