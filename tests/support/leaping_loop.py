"""An event loop in which nobody waits: where nothing is to be done, its time leaps to the next timer.

What it runs may take hours of its time, and takes the same course however busy the machine is.
"""

from __future__ import annotations

import asyncio
import selectors

# What a turn takes: whoever looks at the time again and again sees it go on.
TURN_SECONDS = 1e-6


class _Leaps(selectors.SelectSelector):
    """Looks without waiting; the time that it would have waited is over."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready."""
        if timeout is None:
            raise AssertionError("there is no timer, and nothing to do: this would wait for ever")
        self.now += max(timeout, 0) + TURN_SECONDS
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """For `asyncio.Runner`. It knows of no other thread, and of no other process."""

    def __init__(self) -> None:
        self._leaps = _Leaps()
        super().__init__(self._leaps)

    def time(self) -> float:
        """Seconds, as they went by for what runs here."""
        return self._leaps.now

    def stand_still(self, seconds: float) -> None:
        """Lets nothing run for so long, as where the process is stopped or its machine suspended."""
        self._leaps.now += seconds
