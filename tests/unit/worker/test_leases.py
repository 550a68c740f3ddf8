"""A run keeps its lease while it can, and ends when it has lost it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.claim import Claimed
from anchorbolt.inbox.complete import Completed
from anchorbolt.inbox.group import Then
from anchorbolt.inbox.lease import Lease, Outcome
from anchorbolt.inbox.tables import lane as lanes
from anchorbolt.telemetry import metrics
from anchorbolt.worker.worker import Worker
from sqlalchemy import Connection, update
from structlog.testing import capture_logs

from tests.support.loop_time import LoopTime
from tests.support.waiting import until
from tests.unit.worker.conftest import Bench, Dispatch, event
from tests.unit.worker.steps import LATER

STEP_SECONDS = 0.5


class Held:
    """A listener that goes on until it is released or cancelled."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.cancelled = 0

    async def __call__(self, run: Run) -> None:
        """Runs."""
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def started(bench: Bench, work: Callable[[Run], Awaitable[None]]) -> tuple[Worker, Dispatch, Delivery]:
    """A worker that has begun, with one event that it has stored and runs."""
    worker, dispatch = bench.worker(work)
    worker.start()
    delivery = event()
    await worker.accept(delivery, LATER, reserved=await worker.reserve())
    return worker, dispatch, delivery


async def step(bench: Bench, loop_time: LoopTime, lane: str) -> None:
    """A moment later, in which the loops of the worker had their turn at the inbox."""
    bench.clock.now += STEP_SECONDS
    loop_time.add(STEP_SECONDS)
    for _ in range(3):
        await bench.lane(lane)


async def test_a_renewal_that_fails_once_stops_no_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is another renewal before the lease is over, and each counts from the moment in which it was sent.

    The first comes when a third of the lease is over, and not sooner: most runs end before they need one.
    """
    renew, tries = bench.inbox.renew, list[float]()

    async def fails_once(leases: Sequence[Lease]) -> list[Lease]:
        tries.append(bench.clock.now)
        if len(tries) == 1:
            raise StoreUnavailableError("the database did not answer")
        return await renew(leases)

    monkeypatch.setattr(bench.inbox, "renew", fails_once)
    listener, loop_time = Held(), LoopTime()
    worker, dispatch, delivery = await started(bench, listener)
    began = bench.clock.now
    # Twice as long as its lease: only what was renewed is running still.
    while bench.clock.now < began + 2 * bench.inbox.lease_seconds:
        await step(bench, loop_time, delivery.lane)
    assert len(tries) > 1
    assert tries[0] >= began + bench.inbox.lease_seconds / 3
    assert listener.cancelled == 0
    listener.go.set()
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts, len(dispatch.runs)) == ("done", 1, 1)
    await worker.stop()


async def test_leases_are_renewed_again_after_the_database_was_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose lease outlasts an outage keeps its lane: it is renewed once the database is there again."""
    transact, is_away = bench.database.transact, True

    async def away(work: Callable[[Connection], Any]) -> Any:
        if is_away:
            raise StoreUnavailableError("the database did not answer")
        return await transact(work)

    listener, loop_time = Held(), LoopTime()
    worker, dispatch, delivery = await started(bench, listener)
    await until(lambda: dispatch.runs, what="it runs")
    monkeypatch.setattr(bench.database, "transact", away)
    began = bench.clock.now
    with pytest.raises(StoreUnavailableError):
        await bench.inbox.probe()
    while bench.clock.now < began + bench.inbox.lease_seconds / 2:
        bench.clock.now += STEP_SECONDS
        loop_time.add(STEP_SECONDS)
        for _ in range(20):
            await asyncio.sleep(0)
    is_away = False
    await bench.inbox.probe()
    while bench.clock.now < began + 2 * bench.inbox.lease_seconds:
        await step(bench, loop_time, delivery.lane)
    assert listener.cancelled == 0
    listener.go.set()
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts) == ("done", 1)
    await worker.stop()


async def test_a_stopped_run_keeps_its_lease_while_its_thread_lives(bench: Bench) -> None:
    """The lease of a run that the drain has cut is renewed until its thread has ended, however long that takes."""
    go, loop_time = asyncio.Event(), LoopTime()

    async def thread(run: Run) -> None:
        run.threads += 1
        while not go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await go.wait()
        run.threads -= 1
        raise asyncio.CancelledError

    worker, dispatch, delivery = await started(bench, thread)
    await until(lambda: dispatch.runs and dispatch.runs[0].threads, what="it runs")
    worker.stop_taking()
    assert await worker.hand_back(0.01) == 0
    began = bench.clock.now
    while bench.clock.now < began + 2 * bench.inbox.lease_seconds:
        await step(bench, loop_time, delivery.lane)
        lane = await bench.lane(delivery.lane)
        assert lane is not None
        assert lane.claimable_at > bench.clock.now
    go.set()
    await until(lambda: worker.running == 0, what="it has ended")
    row = await bench.row(delivery.key)
    assert (row.state, row.crashes) == ("live", 0)
    await worker.stop()


async def test_a_run_that_lost_its_lane_is_cancelled(bench: Bench) -> None:
    """When another process holds its lane, a run ends long before its lease would have, and writes nothing.

    The log has it as lost, and what Slack was asked for is counted, because it is asked for again.
    """
    listener, loop_time = Held(), LoopTime()
    worker, dispatch, delivery = await started(bench, listener)
    await until(lambda: dispatch.runs, what="it runs")
    dispatch.runs[0].calls.made, repeats = 2, metrics.web_api_repeats.value("lost")
    began = bench.clock.now
    taken = update(lanes).values(owner="another", epoch=77, claimable_at=began + 1000)
    await bench.database.transact(lambda connection: connection.execute(taken))
    with capture_logs() as lines:
        while not listener.cancelled and bench.clock.now < began + 0.8 * bench.inbox.lease_seconds:
            await step(bench, loop_time, delivery.lane)
        assert listener.cancelled == 1
        await until(lambda: worker.running == 0, what="it has ended")
    (line,) = [line for line in lines if line["event"] == "delivery ended"]
    lasted = 1000 * (bench.clock.now - began)
    assert (line["outcome"], line["lane"], line["duration_ms"]) == ("lost", delivery.lane, lasted)
    assert metrics.web_api_repeats.value("lost") == repeats + 2
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (row.state, lane.owner) == ("live", "another")
    await worker.stop()


async def test_a_process_that_stood_still_runs_nothing_twice(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may find its own lane free to be claimed: the run that goes on there is stopped first."""

    async def fails(_: Sequence[Lease]) -> list[Lease]:
        raise StoreUnavailableError("the database did not answer")

    monkeypatch.setattr(bench.inbox, "renew", fails)
    at_once, most = list[Run](), list[int]()

    async def goes_on(run: Run) -> None:
        at_once.append(run)
        most.append(len(at_once))
        try:
            await asyncio.Event().wait()
        finally:
            at_once.remove(run)

    worker, dispatch, _ = await started(bench, goes_on)
    await until(lambda: dispatch.runs, what="it runs")
    bench.clock.now += 2 * bench.inbox.lease_seconds
    bench.inbox.on_wake()
    await until(lambda: len(dispatch.runs) == 2, what="it is claimed")
    assert most == [1, 1]
    await worker.stop()


async def test_what_was_claimed_too_long_ago_does_not_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stood still between its claim and the run gives the lane back: it may be another's by now."""
    claim, claims = bench.inbox.claim, list[int]()

    async def stands_still_once(most: int, urgent: int) -> Claimed:
        claimed = await claim(most, urgent)
        if claimed.held:
            claims.append(len(claimed.held))
            if len(claims) == 1:
                bench.clock.now += bench.inbox.lease_seconds
        return claimed

    monkeypatch.setattr(bench.inbox, "claim", stands_still_once)
    ran_at_claim: list[int] = []

    async def work(_: Run) -> None:
        ran_at_claim.append(len(claims))

    worker, _ = bench.worker(work)
    delivery = event()
    await worker.accept(delivery, LATER, reserved=False)
    worker.start()
    row = await bench.until_ended(delivery.key)
    # An attempt more where the next claim took the lane over before it was given back: its lease had run out.
    assert (row.state, ran_at_claim) == ("done", [2])
    assert row.attempts in {1, 2}
    await worker.stop()


@pytest.mark.parametrize("age", [0.0, 1.4, 1.6, 2.9, 4.4])
async def test_three_tries_before_it_is_stopped(bench: Bench, monkeypatch: pytest.MonkeyPatch, age: float) -> None:
    """Whenever a run begins between two looks at the leases, three renewals are tried before it is stopped."""
    tries: list[float] = []

    async def fails(_: Sequence[Lease]) -> list[Lease]:
        tries.append(bench.clock.now)
        raise StoreUnavailableError("the database did not answer")

    monkeypatch.setattr(bench.inbox, "renew", fails)
    listener, loop_time = Held(), LoopTime()
    worker, _ = bench.worker(listener)
    worker.start()
    delivery = event()
    await step(bench, loop_time, delivery.lane)
    bench.clock.now += age
    loop_time.add(age)
    await step(bench, loop_time, delivery.lane)
    await worker.accept(delivery, LATER, reserved=await worker.reserve())
    began = bench.clock.now
    while not listener.cancelled and bench.clock.now < began + 2 * bench.inbox.lease_seconds:
        bench.clock.now += 0.1
        loop_time.add(0.1)
        for _ in range(3):
            await bench.lane(delivery.lane)
    assert listener.cancelled == 1
    assert len(tries) >= 3
    await worker.stop()


async def test_a_pod_that_claims_nothing_stops_a_run_in_time_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that drains looks at the clock all the same: another process may claim the lane once its lease is over."""

    async def fails(_: Sequence[Lease]) -> list[Lease]:
        raise StoreUnavailableError("the database did not answer")

    monkeypatch.setattr(bench.inbox, "renew", fails)
    listener, loop_time = Held(), LoopTime()
    worker, dispatch, delivery = await started(bench, listener)
    await until(lambda: dispatch.runs, what="it runs")
    worker.stop_taking()
    began = bench.clock.now
    while not listener.cancelled and bench.clock.now < began + bench.inbox.lease_seconds:
        await step(bench, loop_time, delivery.lane)
    assert listener.cancelled == 1
    await worker.stop()


async def test_an_end_on_its_way_is_no_lost_lease(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the loop stood still, a renewal comes after the written end: nobody says that a lease was lost."""
    renewing, answered = asyncio.Event(), asyncio.Event()
    renew, complete = bench.inbox.renew, bench.inbox.complete

    async def late(leases: Sequence[Lease]) -> list[Lease]:
        renewing.set()
        await answered.wait()
        return await renew(leases)

    def slow(outcome: Outcome, _: Then[Completed] | None = None) -> asyncio.Future[Completed]:
        async def written_but_not_told() -> Completed:
            completed = await complete(outcome)
            answered.set()
            for _ in range(5):
                await bench.lane("x")  # the renewal has its answer before this run hears of its end
            return completed

        return asyncio.ensure_future(written_but_not_told())

    monkeypatch.setattr(bench.inbox, "renew", late)
    monkeypatch.setattr(bench.inbox, "complete", slow)
    listener, loop_time = Held(), LoopTime()
    with capture_logs() as lines:
        worker, _, delivery = await started(bench, listener)
        while not renewing.is_set():
            await step(bench, loop_time, delivery.lane)
        listener.go.set()
        row = await bench.until_ended(delivery.key)
        await until(lambda: worker.running == 0, what="it has ended")
    assert row.state == "done"
    assert [line["event"] for line in lines if "lease" in line["event"]] == []
    await worker.stop()
