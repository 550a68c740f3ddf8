"""A bounded pool of threads, each of whose calls is over only when its thread is.

Not the standard library's pool, because a call costs half as much so: one lock instead of two
futures, a condition and a semaphore.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from anchorbolt.errors import ENDS_THE_PROCESS, as_exception

Result = TypeVar("Result")


class Pool:
    """Runs synchronous functions in at most `size` threads; what is too much waits for a free one."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._queue = SimpleQueue[_Work]()
        self._threads = 0
        self.running = 0  # functions that run now or wait for a thread

    @property
    def is_full(self) -> bool:
        """Whether one more function would have to wait for a thread."""
        return self.running >= self._size

    async def run(self, function: Callable[[], Result], on_cancel: Callable[[TracebackType | None], None]) -> Result:
        """Runs a function in a thread, with the context variables of the caller, and returns what it returns.

        A thread cannot be stopped. So whoever cancels this call waits until the function has returned; only one that
        has not begun yet is left out. `on_cancel` is called at once, with where the thread stands; None: it has not
        begun, or is about to return.
        """
        work = _Work(function, contextvars.copy_context(), asyncio.get_running_loop())
        self.running += 1
        if self._threads < min(self.running, self._size):
            self._threads += 1
            # A daemon, because Python would wait for the others when the process ends.
            threading.Thread(target=self._serve, name=f"listener {self._threads}", daemon=True).start()
        self._queue.put(work)
        try:
            await work.over()
        except asyncio.CancelledError:
            on_cancel(work.stands_at())
            if not work.claim():
                while not work.is_over:
                    with contextlib.suppress(asyncio.CancelledError):
                        await work.over()
            raise
        finally:
            self.running -= 1
        if work.error is not None:
            raise work.error
        return work.result  # type: ignore[no-any-return] # the queue holds work of all types

    def _serve(self) -> None:
        while True:
            work = self._queue.get()
            if work.claim():
                work.run()
            del work  # it may hold large things, and the next one may be far away


class _Work:
    """One function to run: either a thread claims it, or whoever cancels it before a thread did."""

    def __init__(
        self, function: Callable[[], Any], context: contextvars.Context, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._function = function
        self._context = context
        self._loop = loop
        self._claimed = threading.Lock()
        self._thread: int | None = None  # that runs it, while it does
        self._waiter: asyncio.Future[None] | None = None
        self.is_over = False
        self.result: Any = None
        self.error: BaseException | None = None

    def claim(self) -> bool:
        """Returns whether the caller is the first to ask."""
        return self._claimed.acquire(blocking=False)

    def run(self) -> None:
        """Runs the function, in the thread that has claimed it."""
        self._thread = threading.get_ident()
        try:
            self.result = self._context.run(self._function)
        except ENDS_THE_PROCESS as error:  # in a thread of Bolt's, sys.exit() ends that call, and not the process
            self.error = as_exception(error)
        except BaseException as error:  # whatever else a team's function raises belongs to who waits for it
            self.error = error
        self._thread = None
        self._loop.call_soon_threadsafe(self._tell)

    def stands_at(self) -> TracebackType | None:
        """Returns where its thread is, as the traceback of an error that was raised there; None while none runs it."""
        thread = self._thread
        frame = sys._current_frames().get(thread) if thread is not None else None
        found: TracebackType | None = None
        while frame is not None:
            found = TracebackType(found, frame, frame.f_lasti, frame.f_lineno)
            frame = frame.f_back
        # If it has ended meanwhile, the thread may run something else by now.
        return found if self._thread is not None else None

    async def over(self) -> None:
        """Returns when the function has returned. A caller that was cancelled may call it again."""
        if not self.is_over:
            self._waiter = self._loop.create_future()
            await self._waiter

    def _tell(self) -> None:
        self.is_over = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
