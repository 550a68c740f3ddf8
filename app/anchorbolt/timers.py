"""Timers that may ring a moment late, and cost a fraction of the event loop's.

Every delivery sets several that are cancelled a moment later (for its body, its ack, its run): almost none ever rings.
Set and cancelled, one of uvloop's costs 2.8 us and an `asyncio.timeout` 4.5 us. These are in one mapping with the time
at which they ring; one timer of the loop looks through it at the earliest of these times (docs/decisions/0112).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, overload

# To look through all that wait takes time, so that is done so often at most: what rings within it rings together.
APART_SECONDS = 0.05
# uvloop rounds to whole milliseconds, and would ring before the time.
ROUNDING_SECONDS = 0.001


class Rings(Protocol):
    """What waits for its time."""

    def ring(self) -> None:
        """Does what is due."""


class Timers:
    """Those of one event loop.

    `waiting`: what rings, and when, on the loop's clock. `put` adds to it; what is removed from it does not ring.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: dict[Rings, float] = {}
        self._looks_at = math.inf
        self._looked_at = -math.inf
        self._look_later: asyncio.TimerHandle | None = None

    def put(self, one: Rings, at: float) -> None:
        """Has `one` ring at `at`, or a moment later. `at` is on the loop's clock; for one that waits, it is moved."""
        self.waiting[one] = at
        if at < self._looks_at:
            self._look_by(at)

    def _look_by(self, at: float) -> None:
        at = max(at, self._looked_at + APART_SECONDS)
        if at < self._looks_at:
            if self._look_later is not None:
                self._look_later.cancel()
            self._looks_at = at
            self._look_later = self.loop.call_at(at + ROUNDING_SECONDS, self._look)

    def _look(self) -> None:
        self._looked_at = now = self.loop.time()
        self._looks_at, self._look_later = math.inf, None
        due = sorted((at, number, one) for number, (one, at) in enumerate(self.waiting.items()) if at <= now)
        for _, _, one in due:
            if self.waiting.get(one, math.inf) > now:  # one that rang before has cancelled or moved it
                continue
            del self.waiting[one]
            try:
                one.ring()
            except Exception as error:  # as the loop does: the others ring all the same
                self.loop.call_exception_handler({"message": "a timer's callback failed", "exception": error})
        if self.waiting:
            self._look_by(min(self.waiting.values()))


class Timer:
    """Calls back once, unless it is cancelled before."""

    __slots__ = ("_arguments", "_callback", "_timers")

    def __init__(self, timers: Timers, at: float, callback: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self._callback = callback
        self._arguments = arguments
        self._timers = timers
        timers.put(self, at)

    def cancel(self) -> None:
        """It does not ring any more."""
        self._timers.waiting.pop(self, None)
        self._callback = _nothing  # it may hold who holds the timer: a circle, for the garbage collector to find

    def ring(self) -> None:
        """Calls back with the arguments that were given when the timer was set."""
        self._callback(*self._arguments)


def _nothing(*_: object) -> None: ...


class Timeout:
    """`asyncio.timeout_at`, for a plain `with`. `expired`: the time was over before the block was."""

    __slots__ = ("_after", "_at", "_before", "_task", "_timers", "expired")

    @overload
    def __init__(self, at: float) -> None: ...

    @overload
    def __init__(self, *, after: float) -> None: ...

    def __init__(self, at: float = 0.0, *, after: float | None = None) -> None:
        """`at` is on the loop's clock. `after`: so many seconds from the beginning of the block instead."""
        self._at = at
        self._after = after
        self.expired = False

    def __enter__(self) -> Timeout:
        self._timers = timers = of_this_loop()
        task = asyncio.current_task(timers.loop)
        if task is None:
            raise RuntimeError("a timeout cancels a task: outside of one there is none")
        self._task = task
        self._before = task.cancelling()
        if self._after is not None:
            self._at = timers.loop.time() + self._after
        # It waits by itself: a Timer beside it would take as long again to make and to cancel.
        timers.put(self, self._at)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Raises TimeoutError in the place of the cancellation, unless somebody else cancelled the task too."""
        self._timers.waiting.pop(self, None)
        if self.expired and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def move(self, at: float) -> None:
        """The time is over at `at` instead, on the loop's clock. Behind the block, or once it has expired: nothing."""
        if self in self._timers.waiting:  # else its task does something else by now, which it would cancel
            self._timers.put(self, at)

    def expire(self) -> None:
        """The time is over now, inside of the block."""
        if not self.expired:
            self._timers.waiting.pop(self, None)
            self._expire()

    def ring(self) -> None:
        """The time is over; called by the timers."""
        self._expire()

    def _expire(self) -> None:
        self.expired = True
        self._task.cancel()


_timers: Timers | None = None


def of_this_loop() -> Timers:
    """Returns the timers of the loop that runs."""
    # Asked once a timer: in Python 3.11 get_running_loop() makes a system call, for it looks for a fork.
    global _timers  # noqa: PLW0603 - of the loop that runs: a process has one, and tests have one after the other
    loop = asyncio.get_running_loop()
    if _timers is None or _timers.loop is not loop:
        _timers = Timers(loop)
    return _timers


def call_at(at: float, callback: Callable[..., object], *arguments: Any) -> Timer:
    """Calls back at `at` on the loop's clock, or a moment later."""
    return Timer(of_this_loop(), at, callback, arguments)


def call_later(seconds: float, callback: Callable[..., object], *arguments: Any) -> Timer:
    """Calls back so much later than now, or a moment after that."""
    timers = of_this_loop()
    return Timer(timers, timers.loop.time() + seconds, callback, arguments)


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits until an event is set, for so many seconds at most. Returns whether it is."""
    try:
        # Not asyncio.wait_for: before Python 3.12 it can swallow a cancellation.
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
