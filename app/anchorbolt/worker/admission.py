"""Admission: whether a stored delivery may run now, asked before the dispatch and when Bolt has found its listener."""

from __future__ import annotations

from collections.abc import Awaitable

from anchorbolt.bolt.run import Run
from anchorbolt.inbox.lease import Stored
from anchorbolt.inbox.parking import BREAKER, LIMIT, name_of, sort_of
from anchorbolt.worker.breaking import Breaking
from anchorbolt.worker.listener_limits import ListenerLimits, waits_for
from anchorbolt.worker.obstacles import Obstacles


class Admission:
    """Asks the obstacles, and counts the runs of each listener for its limits."""

    def __init__(self, obstacles: Obstacles, limits: ListenerLimits, breaking: Breaking) -> None:
        self._obstacles = obstacles
        self._limits = limits
        self._breaking = breaking
        # Asked before a listener is known. Where it returns something, `confirmed` tells whether that still holds.
        self.holds = obstacles.holds

    async def confirmed(self, stored: Stored, began: float) -> str | None:
        """Returns what a delivery waits for. `began`: when its run began, on the worker's clock."""
        return await self._confirmed(stored, None, began)

    def ask(self, stored: Stored, run: Run, listener: str) -> Awaitable[bool] | None:
        """Asks whether a run has to wait, for a pause, a hold or a limit. None: it begins at once.

        Args:
            stored: the delivery.
            run: what is noted in, if it waits.
            listener: the name of the listener that was found for it.
        """
        if self._obstacles.holds(stored, listener) is None:
            self._begin(run, listener)
            return None
        return self._ask(stored, run, listener)

    def ended(self, run: Run) -> None:
        """Counts a run that has ended, if it had begun."""
        listener, run.counted_for = run.counted_for, None
        if listener is not None and self._limits.end(listener):
            self._obstacles.has_room(waits_for(listener))

    async def _ask(self, stored: Stored, run: Run, listener: str) -> bool:
        run.waits_for = await self._confirmed(stored, listener, run.began)
        if run.waits_for is not None:
            return True
        self._begin(run, listener)
        return False

    async def _confirmed(self, stored: Stored, listener: str | None, began: float) -> str | None:
        held_by = await self._obstacles.confirmed(stored, listener, began)
        if held_by is None:
            return None
        if (limited := name_of(held_by, LIMIT)) is not None:
            self._wake_at_its_turn(limited)
        elif sort_of(held_by) == BREAKER and await self._breaking.take_probe(stored, listener):
            return None
        return held_by

    def _begin(self, run: Run, listener: str) -> None:
        limits = self._limits
        limits.begin(listener)
        run.counted_for = listener
        if not limits.are_set:
            return
        self._wake_at_its_turn(listener)  # the next of those that are parked
        if (seconds := limits.seconds(listener)) is not None and run.limit is not None:
            run.limit.begin_again(seconds, f"its limit of {seconds:g} s (LISTENER_LIMITS)")

    def _wake_at_its_turn(self, listener: str) -> None:
        """Sees that lanes which wait for the rate of this listener are looked at when its next run may begin."""
        if (wait := self._limits.next_in_seconds(listener)) is not None:
            self._obstacles.has_room(waits_for(listener), wait)
