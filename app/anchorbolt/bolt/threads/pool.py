"""A bounded pool of threads, each of whose calls is over only when its thread is."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Pool:
    """Runs synchronous functions in at most `size` threads; what is too much waits for a free one."""

    def __init__(self, size: int) -> None:
        self._executor = ThreadPoolExecutor(size, thread_name_prefix="listener")
        self.running = 0  # functions that run now or wait for a thread

    async def run(self, function: Callable[[], Result], on_cancel: Callable[[], None]) -> Result:
        """Runs a function in a thread, with the context variables of the caller, and returns what it returns.

        A thread cannot be stopped. So whoever cancels this call waits until the function has returned; only one that
        has not begun yet is left out. `on_cancel` is called at once.
        """
        work = self._executor.submit(contextvars.copy_context().run, function)
        self.running += 1
        ended = asyncio.wrap_future(work)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            on_cancel()
            if not work.cancel():
                await _ended(ended)
            raise
        finally:
            self.running -= 1


async def _ended(future: asyncio.Future[Result]) -> None:
    """Returns when the future is done, however often the caller is cancelled meanwhile."""
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue
    if not future.cancelled():
        future.exception()  # nobody is going to ask for it
