"""A periodic call on the event loop that measures how late it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from anchorbolt.telemetry import metrics

BEAT_SECONDS = 0.25


class Pulse:
    """Measures the lag of the event loop, and calls the functions that have to run from time to time."""

    def __init__(self, *turns: Callable[[], None]) -> None:
        self._turns = turns
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Starts on the running event loop."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + BEAT_SECONDS
        self._handle = loop.call_at(self._due, self._beat, loop)

    def stop(self) -> None:
        """Ends the beats, if they have begun."""
        if self._handle is not None:
            self._handle.cancel()

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        metrics.loop_lag.record(max(0.0, now - self._due))
        for turn in self._turns:
            turn()
        self._due = now + BEAT_SECONDS
        self._handle = loop.call_at(self._due, self._beat, loop)
