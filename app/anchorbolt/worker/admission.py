"""Admission: whether a stored delivery may run now, asked before the dispatch and when Bolt has found its listener."""

from __future__ import annotations

from collections.abc import Awaitable

from anchorbolt.bolt.run import Run
from anchorbolt.inbox.lease import Stored
from anchorbolt.inbox.parking import LIMIT
from anchorbolt.worker.listener_limits import ListenerLimits
from anchorbolt.worker.obstacles import Obstacles


class Admission:
    """Asks the obstacles, and counts the runs of each listener for its limits."""

    def __init__(self, obstacles: Obstacles, limits: ListenerLimits) -> None:
        self._obstacles = obstacles
        self._limits = limits

    def holds(self, stored: Stored) -> str | None:
        """Returns what a delivery waits for as far as is known; `confirmed` has to look. None: it may be matched."""
        return self._obstacles.holds(stored, None)

    async def confirmed(self, stored: Stored, began: float) -> str | None:
        """Returns what a delivery waits for. `began`: when its run began, on the worker's clock."""
        return self._wait_for_turn(await self._obstacles.confirmed(stored, None, began))

    def ask(self, stored: Stored, run: Run, listener: str) -> Awaitable[bool] | None:
        """Asks whether a run of this listener has to wait, which is noted in the run. None: it begins."""
        if self._obstacles.holds(stored, listener) is None:
            self._begin(run, listener)
            return None
        return self._ask(stored, run, listener)

    def ended(self, run: Run) -> None:
        """Counts a run that has ended, if it had begun."""
        listener, run.counted_for = run.counted_for, None
        if listener is not None and self._limits.end(listener):
            self._obstacles.has_room(f"{LIMIT}:{listener}")

    async def _ask(self, stored: Stored, run: Run, listener: str) -> bool:
        run.waits_for = self._wait_for_turn(await self._obstacles.confirmed(stored, listener, run.began))
        if run.waits_for is not None:
            return True
        self._begin(run, listener)
        return False

    def _begin(self, run: Run, listener: str) -> None:
        self._limits.begin(listener)
        run.counted_for = listener
        if (seconds := self._limits.seconds(listener)) is not None and run.limit is not None:
            run.limit.begin_again(seconds, f"its limit of {seconds:g} s (LISTENER_LIMITS)")

    def _wait_for_turn(self, waits_for: str | None) -> str | None:
        """Sees that a lane which waits for the rate of its listener is woken in time."""
        if waits_for is not None and waits_for.startswith(LIMIT):
            wait = self._limits.next_in_seconds(waits_for.partition(":")[2])
            if wait is not None:
                self._obstacles.has_room(waits_for, wait)
        return waits_for
