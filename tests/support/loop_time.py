"""An event loop whose time a test moves on: what is due in a minute happens now, and nobody waits for it."""

from __future__ import annotations

import asyncio
import time


class LoopTime:
    """The time of the loop that runs; it goes by as ever, and by what a test adds."""

    def __init__(self) -> None:
        self.added = 0.0
        asyncio.get_running_loop().time = lambda: time.monotonic() + self.added  # type: ignore[method-assign]

    def add(self, seconds: float) -> None:
        """Timers that are due by then ring in the next turn of the loop."""
        self.added += seconds
