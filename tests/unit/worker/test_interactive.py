"""A listener that went on after its acknowledgement has the time that every run has."""

from __future__ import annotations

import asyncio
import dataclasses

from tests.unit.worker.conftest import LIMITS, Bench, event

LATER = 1e12


async def test_an_adopted_listener_that_takes_too_long_has_failed(bench: Bench) -> None:
    """Past RUN_TIMEOUT_SECONDS it is cancelled, also if it swallows that, and what it did is not called done."""
    limits = dataclasses.replace(LIMITS, max_attempts=1, run_timeout_seconds=0.05)
    worker, _ = bench.worker(lambda run: asyncio.sleep(0), limits=limits)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)
    cancelled: list[str] = []

    async def listener() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("swallowed")

    run.spawn(listener())
    await worker.adopt(run, LATER)
    row = await bench.until_ended(delivery.key)
    assert cancelled == ["swallowed"]
    assert row.state == "dead"
    assert "RUN_TIMEOUT_SECONDS" in row.error
    await worker.stop()
