"""Timers that may ring a moment late, and cost a fraction of the event loop's.

Every delivery sets several that are cancelled a moment later (for its body, its ack, its run): almost none ever rings.
Set and cancelled, one of uvloop's costs 2.8 us and an `asyncio.timeout` 4.5 us (docs/decisions/0061). These wait in a
bucket for each tick; one timer of the loop looks at the next bucket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

TICK_SECONDS = 0.05
# What is farther away than so many ticks rings with a whole second: a limit of ten minutes has 600 buckets then.
FAR = 200
TICKS_A_SECOND = 20


class Timer:
    """Calls back once, unless it is cancelled before."""

    __slots__ = ("_arguments", "_bucket", "_callback")

    def __init__(self, callback: Callable[..., object], arguments: tuple[Any, ...], bucket: Bucket) -> None:
        self._callback = callback
        self._arguments = arguments
        self._bucket = bucket
        bucket.add(self)

    def cancel(self) -> None:
        """It does not ring any more."""
        self._bucket.discard(self)
        self._callback = _nothing  # it may hold who holds the timer: a circle, for the garbage collector to find

    def ring(self) -> None:
        """Calls back with the arguments that were given when the timer was set."""
        self._callback(*self._arguments)


def _nothing(*_: object) -> None: ...


class Rings(Protocol):
    """What waits in a bucket."""

    def ring(self) -> None:
        """Does what is due; called up to a bucket's width after the time."""


Bucket = set[Rings]


class Timeout:
    """`asyncio.timeout_at`, for a plain `with`. `expired`: the time was over before the block was."""

    __slots__ = ("_at", "_before", "_bucket", "_task", "expired")

    def __init__(self, at: float) -> None:
        """`at` is on the loop's clock."""
        self._at = at
        self.expired = False

    @classmethod
    def after(cls, seconds: float) -> Timeout:
        """Returns a timeout that ends `seconds` from now, as `asyncio.timeout` does."""
        return cls(_of_this_loop().loop.time() + seconds)

    def __enter__(self) -> Timeout:
        timers = _of_this_loop()
        task = asyncio.current_task(timers.loop)
        if task is None:
            raise RuntimeError("a timeout cancels a task: outside of one there is none")
        self._task = task
        self._before = task.cancelling()
        # It waits in the bucket itself: a Timer beside it would take as long again to make and to cancel.
        self._bucket = bucket = timers.bucket(self._at)
        bucket.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Raises TimeoutError in the place of the cancellation, unless somebody else cancelled the task too."""
        self._bucket.discard(self)
        if self.expired and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def move(self, at: float) -> None:
        """The time is over at `at` instead, on the loop's clock. Inside of the block, and before it has expired."""
        self._at = at
        self._bucket.discard(self)
        self._bucket = _of_this_loop().bucket(at)
        self._bucket.add(self)

    def expire(self) -> None:
        """The time is over now, inside of the block."""
        if not self.expired:
            self._bucket.discard(self)
            self._expire()

    def ring(self) -> None:
        """The time is over; called by the timers."""
        self._expire()

    def _expire(self) -> None:
        self.expired = True
        self._task.cancel()


class Timers:
    """Those of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._buckets: dict[int, Bucket] = {}  # by the tick in which they ring
        self._next = 0
        self._is_ticking = False

    def bucket(self, at: float) -> Bucket:
        """What rings at `at`, or up to a tick later."""
        if not self._is_ticking:
            self._next = int(self.loop.time() / TICK_SECONDS)
            self._tick_later()
        tick = int(at / TICK_SECONDS) + 1
        if tick <= self._next:
            tick = self._next + 1
        elif tick > self._next + FAR:
            tick += -tick % TICKS_A_SECOND
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = set()
        return bucket

    def _tick_later(self) -> None:
        self._is_ticking = True
        self.loop.call_at((self._next + 1) * TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        last, self._next = self._next, max(self._next, int(self.loop.time() / TICK_SECONDS))
        ringing = [self._buckets.pop(tick, set()) for tick in range(last + 1, self._next + 1)]
        self._is_ticking = False
        if self._buckets:
            self._tick_later()
        for bucket in ringing:
            while bucket:
                try:
                    bucket.pop().ring()
                except Exception as error:  # as the loop does: the others ring all the same
                    self.loop.call_exception_handler({"message": "a timer's callback failed", "exception": error})


_timers: Timers | None = None


def call_later(seconds: float, callback: Callable[..., object], *arguments: Any) -> Timer:
    """Calls back so much later than now, or a moment after that."""
    timers = _of_this_loop()
    return Timer(callback, arguments, timers.bucket(timers.loop.time() + seconds))


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits until an event is set, for so many seconds at most. Returns whether it is."""
    try:
        # Not asyncio.wait_for: before Python 3.12 it can swallow a cancellation.
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _of_this_loop() -> Timers:
    # Asked once a timer: in Python 3.11 get_running_loop() makes a system call, for it looks for a fork.
    global _timers  # noqa: PLW0603 - of the loop that runs: a process has one, and tests have one after the other
    loop = asyncio.get_running_loop()
    if _timers is None or _timers.loop is not loop:
        _timers = Timers(loop)
    return _timers
