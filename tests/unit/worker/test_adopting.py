"""A listener that ends while its delivery waits to be stored: Slack is told at once, and no write is made in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.worker.worker import Worker
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.worker.conftest import Bench, event
from tests.unit.worker.steps import LATER, end, for_ever, nothing


@pytest.fixture
def standstill(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """A database that answers nothing until this is set."""
    go, transact = asyncio.Event(), bench.database.transact

    async def waits(work: Callable[..., Any]) -> object:
        await go.wait()
        return await transact(work)

    monkeypatch.setattr(bench.database, "transact", waits)
    return go


def begin(worker: Worker, left: list[str], delivery: Delivery) -> Run:
    """A run whose end is noted by its key."""
    return worker.begin(delivery, ack_by=LATER, on_end=lambda: left.append(delivery.key))


async def under_way(worker: Worker) -> None:
    """Begins a write that stands still, so that the next one waits behind it."""
    run = worker.begin(event("C2"), ack_by=LATER, on_end=lambda: None)
    run.spawn(for_ever())
    worker.adopt(run, LATER)
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_listener_that_ends_before_its_write_begins_is_not_stored(
    bench: Bench, standstill: asyncio.Event
) -> None:
    """It is answered and reported at once as one that was never to be stored, and the database hears nothing of it."""
    worker, _ = bench.worker(nothing)
    await under_way(worker)
    delivery, left, go = event(), list[str](), asyncio.Event()
    run = begin(worker, left, delivery)

    async def listener() -> None:
        await go.wait()

    run.spawn(listener())
    told = worker.adopt(run, LATER)
    await asyncio.sleep(0)
    assert not told.done()
    with capture_logs() as lines:
        go.set()
        assert await told
    assert left == [delivery.key]
    (line,) = lines
    assert (line["event"], line["outcome"], line["stored"]) == ("delivery ended", "done", False)
    standstill.set()
    await bench.inbox.flush()
    with pytest.raises(Exception, match="No row"):
        await bench.row(delivery.key)
    await end(worker)


async def test_a_listener_that_ends_while_it_is_written_is_answered_at_once(
    bench: Bench, standstill: asyncio.Event
) -> None:
    """Its answer waits for no database any more; what was written of it is done."""
    worker, _ = bench.worker(nothing)
    delivery, left, go = event(), list[str](), asyncio.Event()
    run = begin(worker, left, delivery)

    async def listener() -> None:
        await go.wait()

    run.spawn(listener())
    told = worker.adopt(run, LATER)
    for _ in range(3):
        await asyncio.sleep(0)
    go.set()
    assert await told
    assert left == []  # the end is not written
    standstill.set()
    await bench.inbox.flush()
    assert (await bench.until_ended(delivery.key)).state == "done"
    await until(lambda: left, what="its slot is free")
    await end(worker)


async def test_a_listener_that_fails_meanwhile_is_stored(bench: Bench, standstill: asyncio.Event) -> None:
    """Another attempt follows, so Slack is told once it is stored and not before."""
    worker, dispatch = bench.worker(nothing)
    worker.start()
    await under_way(worker)
    delivery, left = event(), list[str]()
    run = begin(worker, left, delivery)

    async def listener() -> None:
        await asyncio.sleep(0)
        raise ConnectionResetError("late")

    run.spawn(listener())
    told = worker.adopt(run, LATER)
    await until(lambda: run.ended, what="it has failed")
    assert not told.done()
    standstill.set()
    assert await told
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts, len(dispatch.runs)) == ("done", 2, 1)
    await end(worker)


async def test_a_listener_that_was_refused_a_call_in_a_drain_is_not_over(
    bench: Bench, standstill: asyncio.Event
) -> None:
    """Cut short while it waited to be stored, it is stored all the same, and another process goes on with it."""
    worker, _ = bench.worker(nothing)
    delivery, left, go = event(), list[str](), asyncio.Event()
    run = begin(worker, left, delivery)

    async def listener() -> None:
        begun = run.calls.begin("the call under way")
        await go.wait()
        run.calls.end(begun)
        run.calls.refuse_if_closed("the next call")

    run.spawn(listener())
    await asyncio.sleep(0)
    told = worker.adopt(run, LATER)
    handing_back = asyncio.create_task(worker.hand_back(5))
    await asyncio.sleep(0)
    go.set()
    await until(lambda: run.ended, what="it was refused its next call")
    assert not told.done()
    standstill.set()
    await handing_back
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (row.state, row.attempts, lane.owner) == ("live", 0, None)
    await worker.stop()
