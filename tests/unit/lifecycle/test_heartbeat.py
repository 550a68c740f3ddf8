"""The master kills a worker without a heartbeat, and an import of a team's may take longer than it waits."""

from __future__ import annotations

import asyncio
import threading

import pytest
from anchorbolt.lifecycle import heartbeat, loop


def test_a_team_whose_import_takes_long_is_not_taken_for_a_process_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the import blocks the event loop a thread beats, and from then on only the loop does."""
    monkeypatch.setattr(loop, "leave_within", lambda _: None)
    beaten = threading.Semaphore(0)
    beating: list[str] = []

    def beat() -> None:
        beating.append(threading.current_thread().name)
        beaten.release()

    async def live() -> None:
        for _ in range(2):
            assert beaten.acquire(timeout=10)  # blocks the loop, as an import does
        assert set(beating) == {"beat while loading"}
        by_the_loop = asyncio.to_thread(beaten.acquire, timeout=10)
        assert all([await by_the_loop, await asyncio.to_thread(beaten.acquire, timeout=10)])
        assert threading.main_thread().name in beating

    loop.run(live, beat, 0.01)


def test_a_main_block_that_blocks_the_loop_is_not_taken_for_one_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asynchronous `main()` runs in the loop while it is loaded: the thread beats until it has come to its start."""
    monkeypatch.setattr(loop, "leave_within", lambda _: None)
    beaten = threading.Semaphore(0)
    by_the_loop = threading.Event()
    beating: list[str] = []

    def beat() -> None:
        beating.append(threading.current_thread().name)
        beaten.release()
        if threading.current_thread() is threading.main_thread():
            by_the_loop.set()

    async def live() -> None:
        with heartbeat.loading():
            await asyncio.to_thread(by_the_loop.wait, 10)
            beating.clear()
            while not beating:
                assert beaten.acquire(timeout=10)  # blocks the loop, as a model that is loaded does

    loop.run(live, beat, 0.01)
    assert beating[0] == "beat while loading"
