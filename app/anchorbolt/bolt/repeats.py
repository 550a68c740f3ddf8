"""Counts how often the same error comes in a minute, so that a flood of one traceback does not fill the log."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MOST_IN_FULL = 5
PERIOD_SECONDS = 60.0
# So many different errors are remembered; one that is forgotten begins again.
MOST_ERRORS = 200


class Repeats:
    """How often each error came since its minute began. The minute of an error begins with its first one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins to count. `clock` returns the time in seconds, from any beginning."""
        self._clock = clock
        self._seen: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def count(self, error: Hashable) -> int:
        """Counts an error that came now. Returns how many of it there were in its minute, with this one."""
        now = self._clock()
        began, times = self._seen.get(error, (now, 0))
        if now - began >= PERIOD_SECONDS:
            began, times = now, 0
        self._seen[error] = (began, times + 1)
        self._seen.move_to_end(error)
        if len(self._seen) > MOST_ERRORS:
            self._seen.popitem(last=False)
        return times + 1
