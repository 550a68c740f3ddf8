"""A run is known from its beginning to its end, so that no end of the process passes it by."""

from __future__ import annotations

import asyncio

from tests.unit.worker.conftest import Bench, event

LATER = 1e12


async def nothing(_: object) -> None:
    """No work."""


async def test_a_drain_waits_for_what_bolt_has_not_answered(bench: Bench) -> None:
    """Between its beginning and its answer, a run is waited for: its middleware may swallow a cancellation."""
    worker, _ = bench.worker(nothing)
    run = worker.begin(event(), ack_by=LATER, on_end=lambda: None)
    assert not await worker.finish(0.05)
    worker.keep(run)
    assert await worker.finish(5)
    await worker.stop()


async def test_a_run_that_is_stopped_while_it_is_stored_is_handed_back(bench: Bench) -> None:
    """A drain that ends while a run is being stored stops its listener, and gives back what was stored."""
    worker, _ = bench.worker(nothing)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)
    ended: list[str] = []

    async def listener() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    run.spawn(listener())
    await asyncio.sleep(0)  # it has begun
    accepting = worker.adopt(run, LATER)
    await asyncio.sleep(0)  # what sees it to its end waits for the accept
    assert not accepting.done()
    await worker.hand_back(5)
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert (ended, row.state) == (["cancelled"], "live")
    assert lane is not None
    assert lane.owner is None
    await worker.stop()
