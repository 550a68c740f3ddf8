"""A run is known from its beginning to its end, so that no end of the process passes it by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery, Kind
from structlog.testing import capture_logs

from tests.unit.worker.conftest import Bench, Dispatch, event
from tests.unit.worker.steps import LATER, for_ever, nothing


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
    run.spawn(for_ever(ended))
    await asyncio.sleep(0)  # it has begun
    accepting = worker.save(run, LATER)
    await asyncio.sleep(0)  # what sees it to its end waits for the accept
    assert not accepting.done()
    await worker.hand_back(5)
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert (ended, row.state) == (["cancelled"], "live")
    assert lane is not None
    assert lane.owner is None
    await worker.stop()


def options() -> Delivery:
    """A request that is never stored."""
    return Delivery(Kind.OPTIONS, "", "options:1", "C1", "=options:1", "", "", {})


async def kept(bench: Bench, answer: Callable[[Run], None]) -> tuple[dict[str, object], Dispatch]:
    """The line that tells the end of a run which is not stored, and who was told; `answer` is what Bolt does of it."""
    worker, dispatch = bench.worker(nothing)
    run = worker.begin(options(), ack_by=LATER, on_end=lambda: None)
    bench.clock.now += 2
    with capture_logs() as lines:
        answer(run)
        worker.keep(run)
        assert await worker.finish(5)
    (line,) = [line for line in lines if line["event"] == "delivery ended"]
    await worker.stop()
    return dict(line), dispatch


async def test_what_need_not_be_stored_is_reported_when_it_ends(bench: Bench) -> None:
    """How it ended and how long it took, also where it goes on after the answer."""
    line, dispatch = await kept(bench, lambda run: None)
    assert (line["outcome"], line["duration_ms"], line["stored"]) == ("done", 2000.0, False)

    def goes_on(run: Run) -> None:
        run.spawn(later())

    async def later() -> None:
        await asyncio.sleep(0)
        bench.clock.now += 1

    line, _ = await kept(bench, goes_on)
    assert (line["outcome"], line["duration_ms"]) == ("done", 3000.0)
    assert dispatch.concluded == []


async def test_what_no_listener_takes_is_unmatched(bench: Bench) -> None:
    """Though Slack is told of a failure: it is none of a listener's."""

    def unmatched(run: Run) -> None:
        run.unmatched, run.reason = True, "unmatched"

    line, dispatch = await kept(bench, unmatched)
    assert (line["outcome"], dispatch.concluded) == ("unmatched", [])


@pytest.mark.parametrize("was_told", [True, False])
async def test_a_failure_that_is_not_stored_is_told_once(bench: Bench, *, was_told: bool) -> None:
    """The app's error handler hears of it here, where it has not when Slack was told."""

    def failed(run: Run) -> None:
        run.fail(ValueError("what"))
        run.reason = "listener_failed" if was_told else None

    line, dispatch = await kept(bench, failed)
    assert (line["outcome"], line["reason"], line["error"]) == ("failed", "listener_failed", "ValueError: what")
    assert [str(run.error) for run in dispatch.concluded] == ([] if was_told else ["what"])


async def test_what_came_to_no_answer_is_cancelled(bench: Bench) -> None:
    """Its listener is stopped, and why is told."""
    worker, _ = bench.worker(nothing)
    run = worker.begin(options(), ack_by=LATER, on_end=lambda: None)
    run.spawn(for_ever())
    with capture_logs() as lines:
        worker.abandon(run, RuntimeError("no answer"))
        assert await worker.finish(5)
    (line,) = [line for line in lines if line["event"] == "delivery ended"]
    assert (line["outcome"], line["error"]) == ("failed", "RuntimeError: no answer")
    await worker.stop()
