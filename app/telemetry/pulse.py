"""A small beat on the event loop, that feels how late it comes."""

from __future__ import annotations

import asyncio

from app.telemetry import metrics
from app.telemetry.workspaces import Workspaces

BEAT_SECONDS = 0.25


class Pulse:
    """Measures the lag of the loop, and turns the slices of the workspaces."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """In the loop that is meant."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + BEAT_SECONDS
        self._handle = loop.call_at(self._due, self._beat, loop)

    def stop(self) -> None:
        """No beat after this."""
        if self._handle is not None:
            self._handle.cancel()

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        metrics.loop_lag.record(max(0.0, now - self._due))
        self._workspaces.turn()
        self._due = now + BEAT_SECONDS
        self._handle = loop.call_at(self._due, self._beat, loop)
