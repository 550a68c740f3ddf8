"""A run ends before its lease does, and one whose lease was lost writes nothing."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.lease import Lease
from anchorbolt.inbox.tables import lane as lanes
from anchorbolt.telemetry import metrics
from sqlalchemy import update
from structlog.testing import capture_logs

from tests.support.loop_time import LoopTime
from tests.support.waiting import until, until_answer
from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.steps import accept, end


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
