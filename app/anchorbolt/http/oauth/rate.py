"""How often something may be begun by anybody in a process."""

from __future__ import annotations

import time
from collections.abc import Callable


class Rate:
    """At most `most` a second. `clock`: monotonic, in seconds."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._second = 0
        self._taken = 0

    def take(self) -> bool:
        """Counts one more. Returns whether it may be."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._taken = second, 0
        self._taken += 1
        return self._taken <= self._most
