"""A listener that went on after its acknowledgement has the time that every run has."""

from __future__ import annotations

import asyncio
import dataclasses

from tests.unit.worker.conftest import LIMITS, Bench, event
from tests.unit.worker.steps import LATER


async def test_a_saved_listener_that_takes_too_long_has_failed(bench: Bench) -> None:
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
    await worker.save(run, LATER)
    row = await bench.until_ended(delivery.key)
    assert cancelled == ["swallowed"]
    assert row.state == "dead"
    assert "RUN_TIMEOUT_SECONDS" in row.error
    await worker.stop()


async def test_a_workflow_step_that_slack_has_accepted_is_not_run_again(bench: Bench) -> None:
    """Whatever its listener, which went on after its acknowledgement, fails of."""
    worker, dispatch = bench.worker(lambda run: asyncio.sleep(0))
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)

    async def listener() -> None:
        run.step_is_over = True
        raise ConnectionResetError("later")

    run.spawn(listener())
    await worker.save(run, LATER)
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts, dispatch.runs) == ("dead", 1, [])
    await worker.stop()
