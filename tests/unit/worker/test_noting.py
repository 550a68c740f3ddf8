"""Operators see in the inbox which listener runs a delivery that takes longer than a moment."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Kind
from anchorbolt.inbox.accept import Item
from anchorbolt.worker.noting import EVERY_SECONDS, Noting
from anchorbolt.worker.runs import Running, Runs
from sqlalchemy import Connection

from tests.support.loop_time import LoopTime
from tests.support.waiting import until, until_answer
from tests.unit.worker.conftest import LIMITS, Bench, event


async def running(bench: Bench, runs: Runs, conversation: str, listener: str | None) -> str:
    """A stored delivery that a listener runs since this moment; its key."""
    one = event(conversation)
    accepted = await bench.inbox.accept(Item(one.key, one.lane, "event", "", one.body, take=True), bench.clock.now + 9)
    assert accepted.held is not None
    run = Run(one, Attempt(one.key, Kind.EVENT), began=bench.clock.now)
    run.listener = listener
    runs.add(Running(one.key, held=accepted.held, run=run))
    return one.key


async def test_the_listener_of_a_long_run_is_noted_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in the row of its own delivery, after a second, and none before; what is noted is not written again."""
    runs, written = Runs(), list[int]()
    noting = Noting(bench.inbox, runs, bench.clock)
    transact = bench.database.transact

    async def counted(work: Callable[[Connection], Any]) -> Any:
        written.append(1)
        return await transact(work)

    first = [await running(bench, runs, f"C{n}", f"app.on_{n % 2}") for n in range(4)]
    unknown = await running(bench, runs, "C8", None)
    with monkeypatch.context() as patched:
        patched.setattr(bench.database, "transact", counted)
        await noting.note()
        assert written == []
        bench.clock.now += EVERY_SECONDS
        await noting.note()
    assert [(await bench.row(key)).listener for key in [*first, unknown]] == ["app.on_0", "app.on_1"] * 2 + [None]
    late = await running(bench, runs, "C9", "app.late")
    bench.clock.now += EVERY_SECONDS
    with monkeypatch.context() as patched:
        patched.setattr(bench.database, "transact", counted)
        for _ in range(3):
            await noting.note()
    assert (await bench.row(late)).listener == "app.late"
    assert written == [1, 1]


async def test_a_worker_notes_what_it_runs(bench: Bench) -> None:
    """It looks once a second, for as long as it runs."""
    go, loop_time = asyncio.Event(), LoopTime()

    async def work(run: Run) -> None:
        run.listener = "app.on"
        await go.wait()

    # Its time limit is one of the loop's, whose time the test moves on: at an end of it the listener is written too.
    worker, dispatch = bench.worker(work, limits=dataclasses.replace(LIMITS, run_timeout_seconds=1e9))
    worker.start()
    delivery = event()
    await worker.accept(delivery, 1e12, reserved=await worker.reserve())
    await until(lambda: dispatch.runs, what="it runs")
    bench.clock.now += EVERY_SECONDS

    async def is_noted() -> bool:
        loop_time.add(EVERY_SECONDS)
        return bool((await bench.row(delivery.key)).listener == "app.on")

    await until_answer(is_noted, what="it is noted")
    go.set()
    assert await worker.finish(5)
    await worker.stop()
