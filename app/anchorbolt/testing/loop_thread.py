"""An event loop in a thread of its own, so that tests of every kind can use what runs in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

CLOSE_SECONDS = 5.0

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines for the threads of the tests, from when it is made until `close`."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._closing = False
        # A daemon: a listener that never ends must not keep pytest from ending.
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Starts a coroutine, and returns its future."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs a coroutine to its end. Returns what it returns, and raises what it raises."""
        return self.start(work).result()

    def soon(self, call: Callable[[], object]) -> None:
        """Calls a function in the loop, some time."""
        self._loop.call_soon_threadsafe(call)

    def close(self) -> None:
        """Ends the loop and its thread, and what still runs in it. A loop that is blocked is left alone."""
        self._closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._closing:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):  # raised by a listener, whose run has it as its error too
                continue
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.wait(tasks, timeout=1) if tasks else asyncio.sleep(0))
        self._loop.close()
