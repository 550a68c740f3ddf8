"""A listener that ends while its delivery waits to be stored: Slack is told at once, and no write is made in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.telemetry.logs import add_run
from anchorbolt.worker.worker import Worker
from sqlalchemy.exc import NoResultFound
from structlog.testing import capture_logs

from tests.support.waiting import until
from tests.unit.worker.conftest import Bench, event
from tests.unit.worker.steps import LATER, away, end, for_ever, nothing, until_set


def begin(worker: Worker, left: list[str], delivery: Delivery) -> Run:
    """A run whose end is noted by its key."""
    return worker.begin(delivery, ack_by=LATER, on_end=lambda: left.append(delivery.key))


def save(worker: Worker, left: list[str], listener: Coroutine[Any, Any, None]) -> tuple[Delivery, asyncio.Future[bool]]:
    """A delivery whose listener goes on after its ack, and what Slack is told of it."""
    delivery = event()
    run = begin(worker, left, delivery)
    run.spawn(listener)
    return delivery, worker.save(run, LATER)


async def turns() -> None:
    """Some turns of the event loop, in which a write begins."""
    for _ in range(3):
        await asyncio.sleep(0)


async def under_way(worker: Worker) -> None:
    """Begins a write that stands still, so that the next one waits behind it."""
    run = worker.begin(event("C2"), ack_by=LATER, on_end=lambda: None)
    run.spawn(for_ever())
    worker.save(run, LATER)
    await turns()


async def test_a_listener_that_ends_before_its_write_begins_is_not_stored(
    bench: Bench, standstill: asyncio.Event
) -> None:
    """It is answered and reported at once as one that was never to be stored, and the database hears nothing of it."""
    worker, _ = bench.worker(nothing)
    await under_way(worker)
    left, go = list[str](), asyncio.Event()
    delivery, told = save(worker, left, until_set(go))
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
    with pytest.raises(NoResultFound):
        await bench.row(delivery.key)
    await end(worker)


async def test_a_listener_that_ends_while_it_is_written_is_answered_at_once(
    bench: Bench, standstill: asyncio.Event
) -> None:
    """Its answer waits for no database any more; what was written of it is done."""
    worker, _ = bench.worker(nothing)
    left, go = list[str](), asyncio.Event()
    delivery, told = save(worker, left, until_set(go))
    await turns()
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
    told = worker.save(run, LATER)
    await until(lambda: run.ended, what="it has failed")
    assert not told.done()
    standstill.set()
    assert await told
    row = await bench.until_ended(delivery.key)
    assert (row.state, row.attempts, len(dispatch.runs)) == ("done", 2, 1)
    await end(worker)


async def test_a_listener_that_was_refused_a_call_in_a_drain_is_stored(bench: Bench, standstill: asyncio.Event) -> None:
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
    told = worker.save(run, LATER)
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


async def test_a_listener_that_ends_in_the_moment_when_a_drain_would_cut_it_is_done(
    bench: Bench, standstill: asyncio.Event
) -> None:
    """Nothing of it was cut short, so it is done, and no other process runs it again."""
    worker, _ = bench.worker(nothing)
    left, go = list[str](), asyncio.Event()
    delivery, told = save(worker, left, until_set(go))
    await turns()
    go.set()
    handing_back = asyncio.create_task(worker.hand_back(5))  # its first step comes right after the listener's last
    assert await told
    standstill.set()
    await handing_back
    assert (left, (await bench.row(delivery.key)).state) == ([delivery.key], "done")
    await worker.stop()


async def test_a_listener_that_fails_because_a_drain_cut_it_is_handed_back(bench: Bench) -> None:
    """What it raises when it is cancelled, before it was to be stored, is no failure of its own: no attempt counts."""
    worker, _ = bench.worker(nothing)
    delivery, left = event(), list[str]()
    run = begin(worker, left, delivery)

    async def listener() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionResetError("its own connection was closed") from None

    run.spawn(listener())
    await asyncio.sleep(0)
    handing_back = asyncio.create_task(worker.hand_back(5))
    await until(lambda: run.ended, what="it has failed")
    assert await worker.save(run, LATER)
    await handing_back
    row = await bench.row(delivery.key)
    assert (left, row.state, row.attempts) == ([delivery.key], "live", 0)
    await worker.stop()


@pytest.mark.parametrize("stored", [True, False])
async def test_the_error_handler_is_called_as_a_part_of_the_request(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    """Its log lines name the delivery, and it finds what a middleware has set in the context, stored or not."""
    worker, dispatch = bench.worker(nothing)
    of_the_team: ContextVar[str] = ContextVar("of the team", default="not set")
    found: list[tuple[str, dict[str, object]]] = []

    async def handle(_: Run) -> None:
        found.append((of_the_team.get(), dict(add_run(None, "", {}))))

    dispatch.handle = handle
    delivery, left, go = event(), list[str](), asyncio.Event()

    async def listener() -> None:
        await go.wait()
        raise ValueError("for good")

    async def request() -> None:
        of_the_team.set("by a middleware")
        run = begin(worker, left, delivery)
        run.spawn(listener())
        assert await worker.save(run, LATER if stored else bench.clock.now) == stored

    with monkeypatch.context() as patch:
        if not stored:
            patch.setattr(bench.database, "transact", away)
        await asyncio.create_task(request())
    go.set()
    await until(lambda: left, what="its slot is free")
    assert found == [("by a middleware", {"key": delivery.key, "attempt": 1})]
    await end(worker)


async def test_a_listener_that_waits_to_be_stored_ends_with_its_worker(bench: Bench, standstill: asyncio.Event) -> None:
    """Nothing of it goes on behind the end of its worker; what could not be stored is told as lost after that."""
    worker, _ = bench.worker(nothing)
    left, ended = list[str](), list[str]()
    delivery, _told = save(worker, left, for_ever(ended))
    await turns()
    await worker.stop()
    assert ended == ["cancelled"]
    with capture_logs() as lines:
        await bench.inbox.close()
        assert await worker.finish(5)
    assert (left, [line["outcome"] for line in lines]) == ([delivery.key], ["lost"])


async def test_a_listener_that_was_stored_a_moment_ago_ends_with_its_worker(bench: Bench) -> None:
    """Also where the task that sees it to its end has not taken its first step: it hands the delivery back."""
    worker, _ = bench.worker(nothing)
    left, ended = list[str](), list[str]()
    delivery, told = save(worker, left, for_ever(ended))
    assert await told
    await worker.stop()
    assert ended == ["cancelled"]
    assert await worker.finish(5)
    assert (left, (await bench.row(delivery.key)).attempts) == ([delivery.key], 0)
