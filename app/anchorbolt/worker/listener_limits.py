"""Limits of listeners: how many runs of one go on at once, and how many begin a second, in this process.

Which listener takes a delivery is known only when Bolt has matched it. So a delivery for which there is no room is
parked then, with the name of its listener, and is not matched again before there is room.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from anchorbolt.inbox.lease import Stored
from anchorbolt.inbox.parking import LIMIT, name_of
from anchorbolt.limits import Limit
from anchorbolt.worker.obstacles import ALL

# No listener takes all slots: a fifth of them is for others, so that one that is slow does not stop them (0085). Where
# there are fewer slots than this, each counts, and a listener may have all of them.
LEAST_SLOTS_TO_SHARE = 10
# A rate counts over so long: looks for lanes that may go on are some time apart.
BURST_SECONDS = 0.1
SHARE = 0.8


def waits_for(listener: str) -> str:
    """What the lanes of a listener without room wait for (parking.py)."""
    return f"{LIMIT}:{listener}"


class ListenerLimits:
    """The runs of each listener in this process; an Obstacle (obstacles.py)."""

    needs_listener = True
    known = ("the share of the slots",)  # never empty: it limits every listener

    def __init__(
        self,
        limits: Mapping[str, Limit],
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
        most_to_wake: Callable[[], int] = lambda: ALL,
    ) -> None:
        """`limits`: by the names of listeners. `concurrency`: RUN_CONCURRENCY. `clock`: monotonic, in seconds.

        `most_to_wake`: how many lanes this process may wake now, because it is likely to claim them itself.
        """
        self._most_to_wake = most_to_wake
        self._limits = limits
        self.are_set = bool(limits)  # else there is only the share of the slots
        self._share = int(concurrency * SHARE) if concurrency >= LEAST_SLOTS_TO_SHARE else concurrency
        self._clock = clock
        self._running: dict[str, int] = {}
        self._next_at: dict[str, float] = {}  # when the next run may begin, of listeners with a rate

    def seconds(self, listener: str) -> float | None:
        """Returns how long a run of this listener may take, where it has a limit of its own."""
        limit = self._limits.get(listener)
        return limit.seconds if limit is not None else None

    def begin(self, listener: str) -> None:
        """Counts a run that begins."""
        self._running[listener] = self._running.get(listener, 0) + 1
        if not self.are_set:
            return
        limit = self._limits.get(listener)
        if limit is not None and limit.per_second is not None:
            due = max(self._clock() - BURST_SECONDS, self._next_at.get(listener, self._clock()))
            self._next_at[listener] = due + 1 / limit.per_second

    def end(self, listener: str) -> bool:
        """Counts a run that has ended. Returns whether others may have waited for that."""
        running = self._running[listener]
        self._running[listener] = running - 1
        return running >= (self._most(listener) if self.are_set else self._share)

    def holds(self, stored: Stored, listener: str | None) -> str | None:
        """Returns the limit that a delivery waits for."""
        listener = listener or stored.listener
        if listener is None:
            return None
        if not self.are_set and self._running.get(listener, 0) < self._share:
            return None
        return None if self._room(listener) > 0 else waits_for(listener)

    def room(self, waits_for: str) -> int | None:
        """Returns how many lanes of a listener may be woken now.

        Not more than this process can take: others, whose own limit is reached, would only park them again.
        """
        listener = name_of(waits_for, LIMIT)
        return min(self._room(listener), self._most_to_wake()) if listener is not None else None

    def next_in_seconds(self, listener: str) -> float | None:
        """Returns when a run of a listener with a rate may begin; None: it has none."""
        at = self._next_at.get(listener)
        return None if at is None else max(0.0, at - self._clock())

    def _most(self, listener: str) -> int:
        limit = self._limits.get(listener)
        return self._share if limit is None or limit.concurrency is None else limit.concurrency

    def _room(self, listener: str) -> int:
        room = self._most(listener) - self._running.get(listener, 0)
        if (at := self._next_at.get(listener)) is not None:
            # What became due between two looks may begin together, up to a tenth of a second's worth.
            rate = self._limits[listener].per_second or 1.0
            late = min(self._clock() - at, BURST_SECONDS)
            room = min(room, int(late * rate) + 1 if late >= 0 else 0)
        return max(0, room)
