"""Whoever cancels a function in a thread learns where it stands, and of none that does not run."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from types import TracebackType

from anchorbolt.bolt.threads.pool import Pool

from tests.support.waiting import until


async def test_a_function_that_runs_and_one_that_waits() -> None:
    """The one that runs has its stack; the one that waits for its thread has none, though that thread runs another."""
    pool, go, began = Pool(1), threading.Event(), threading.Event()
    seen: dict[str, TracebackType | None] = {}

    def stands_here() -> None:
        began.set()
        go.wait(60)

    tasks = [
        asyncio.create_task(pool.run(stands_here, lambda at, name=name: seen.update({name: at})))  # type: ignore[misc] # mypy sees no type of a default
        for name in ("runs", "waits")
    ]
    try:
        await until(began.is_set, what="the first one runs")
        for task in tasks:
            task.cancel()
        await until(lambda: len(seen) == 2, what="both were cancelled")
    finally:
        go.set()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert seen["waits"] is None
    assert "stands_here" in [frame.name for frame in traceback.extract_tb(seen["runs"])]
