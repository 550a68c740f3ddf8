"""How often something may be done in a process."""

from __future__ import annotations


class Rate:
    """At most `most` in each second of a clock."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = 0
        self._taken = 0

    def take(self, now: float) -> bool:
        """Counts one more at this time (in seconds). Returns whether it may be."""
        second = int(now)
        if second != self._second:
            self._second, self._taken = second, 0
        if self._taken >= self._most:
            return False
        self._taken += 1
        return True
