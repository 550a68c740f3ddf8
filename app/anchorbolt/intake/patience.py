"""The end of the patience for what is waited for: one timer for all of it.

Nearly all of it is there within milliseconds. A timer for each would cost more than the wait itself.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any


class Patience:
    """Futures that fail with TimeoutError at their deadlines, which are on the event loop's clock."""

    def __init__(self) -> None:
        self._deadlines: dict[asyncio.Future[Any], float] = {}
        self._rings_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, future: asyncio.Future[Any], deadline: float) -> None:
        """The future fails at `deadline`, unless it is done by then. `end` must follow."""
        self._deadlines[future] = deadline
        if deadline < self._rings_at:
            self._ring_at(deadline)

    def end(self, future: asyncio.Future[Any]) -> None:
        """Nobody waits for this future any more. The timer goes on: it will find others, or nothing."""
        del self._deadlines[future]

    def _ring_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = at
        self._timer = asyncio.get_running_loop().call_at(at, self._ring)

    def _ring(self) -> None:
        now = asyncio.get_running_loop().time()
        self._rings_at, self._timer = math.inf, None
        left = [(deadline, future) for future, deadline in self._deadlines.items() if not future.done()]
        for deadline, future in left:
            if deadline <= now:
                future.set_exception(TimeoutError())
        if later := [deadline for deadline, _ in left if deadline > now]:
            self._ring_at(min(later))
