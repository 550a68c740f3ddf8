"""Runs that began before they were stored, those of interactions: the worker sees them to their end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from anchorbolt.bolt.web_api.calls import GRACE_SECONDS
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.worker.conftest import Bench, event
from tests.unit.worker.steps import LATER, away, end, for_ever, nothing, until_set


@pytest.mark.parametrize("ends_well", [True, False])
async def test_a_listener_that_was_saved(bench: Bench, ends_well: bool) -> None:
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
    assert await worker.save(run, LATER)
    assert (await bench.row(delivery.key)).attempts == 1
    go.set()
    await until(lambda: left, what="its slot is free")
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts) == ("done", 1 if ends_well else 2)
    assert len(dispatch.runs) == (0 if ends_well else 1)
    await end(worker)


async def test_a_saved_listener_is_handed_back(bench: Bench) -> None:
    """Cut at the end of the pod, a saved listener has really ended, and its delivery waits, no attempt counted."""
    worker, _ = bench.worker(nothing)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)
    run.spawn(for_ever())
    await worker.save(run, LATER)
    await until(lambda: worker.running == 1, what="it is held")
    assert await worker.hand_back(5) == 1
    assert run.ended
    row, lane = await bench.row(delivery.key), await bench.lane(delivery.lane)
    assert lane is not None
    assert (row.state, row.attempts, lane.owner) == ("live", 0, None)
    await end(worker)


async def test_a_saved_listener_that_is_not_stored_gets_its_time_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the pod, what was acknowledged while the database was away is waited for: nobody else has it."""
    worker, _ = bench.worker(nothing)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)
    go = asyncio.Event()
    run.spawn(until_set(go))
    monkeypatch.setattr(bench.database, "transact", away)
    assert not await worker.save(run, bench.clock.now)
    monkeypatch.undo()
    assert not await worker.finish(0.01)
    with capture_logs() as lines:
        go.set()
        assert await worker.finish(5)
    assert run.ended
    assert [line["outcome"] for line in lines if line["event"] == "delivery ended"] == ["done"]
    await end(worker)


async def test_what_is_lost_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acknowledged, could not be stored and does not end in time is cut, and the log says that it is lost."""
    worker, _ = bench.worker(nothing)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)
    run.spawn(for_ever())
    monkeypatch.setattr(bench.database, "transact", away)
    assert not await worker.save(run, bench.clock.now)
    monkeypatch.undo()
    assert not await worker.finish(0.01)
    with capture_logs() as lines:
        await worker.hand_back(5)
    assert run.ended
    (line,) = lines
    assert (line["event"], line["key"], line["outcome"]) == ("delivery ended", delivery.key, "lost")
    assert line["error"] == "RunError: cut short by the end of this process, and stored nowhere"
    await end(worker)


async def test_a_listener_that_ends_in_the_moment_of_the_drain_is_done(bench: Bench) -> None:
    """Its last step came right before that of the drain, which cut nothing of it short: it does not run again."""
    worker, _ = bench.worker(nothing)
    delivery = event()
    run = worker.begin(delivery, ack_by=LATER, on_end=lambda: None)
    go, handing_back = asyncio.Event(), list[asyncio.Task[int]]()

    async def listener() -> None:
        await go.wait()
        handing_back.append(asyncio.create_task(worker.hand_back(5)))

    run.spawn(listener())
    assert await worker.save(run, LATER)
    await until(lambda: worker.running == 1, what="it is held")
    go.set()
    await until(lambda: handing_back, what="the drain has begun")
    await handing_back[0]
    row = await bench.row(delivery.key)
    assert (row.state, row.attempts) == ("done", 1)
    await worker.stop()


async def test_what_waits_for_the_database_is_not_blamed_on_its_listener(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the pod, the log tells what swallows its cancellation from what has ended, but is not written."""
    worker, _ = bench.worker(nothing)
    go, transact = asyncio.Event(), bench.database.transact

    async def swallows() -> None:
        while not go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await go.wait()

    async def stands_still(work: Callable[..., Any]) -> object:
        await go.wait()
        return await transact(work)

    def save(listener: Coroutine[Any, Any, None]) -> tuple[str, asyncio.Future[bool]]:
        run = worker.begin(event(str(listener)), ack_by=LATER, on_end=lambda: None)
        run.spawn(listener)
        return run.delivery.key, worker.save(run, LATER)

    written, swallowing = save(for_ever()), save(swallows())
    await asyncio.gather(written[1], swallowing[1])
    monkeypatch.setattr(bench.database, "transact", stands_still)
    waiting = save(fails_later())
    with capture_logs() as lines:
        await worker.hand_back(0.1 - GRACE_SECONDS)
    go.set()
    assert await worker.finish(5)
    blamed = "a listener goes on though it was cancelled: it swallows that"
    waits = "its listener has ended, but the database has not taken that yet"
    told = {line["key"]: line["event"] for line in lines}
    assert told == {written[0]: waits, swallowing[0]: blamed, waiting[0]: waits}
    await worker.stop()


async def fails_later() -> None:
    """A listener that fails when its run is to be stored already."""
    await asyncio.sleep(0)
    raise ConnectionResetError("later")
