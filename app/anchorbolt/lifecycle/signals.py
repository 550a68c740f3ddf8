"""The worker's signals: SIGTERM begins the drain, a second one ends it sooner. The master turns SIGINT into SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable
from typing import TypeVar

from anchorbolt.telemetry.logs import get_logger

log = get_logger("lifecycle")

Result = TypeVar("Result")


class Signals:
    """The signals that this process has received."""

    def __init__(self) -> None:
        self._end = asyncio.Event()
        self._hasten = asyncio.Event()
        self._parent = os.getppid()

    def listen(self) -> None:
        """Installs the signal handlers in the worker's event loop."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._term)
        loop.add_signal_handler(signal.SIGQUIT, self._quit)
        # Ctrl-C reaches both master and worker: the master then sends us a SIGTERM.
        loop.add_signal_handler(signal.SIGINT, lambda: None)

    @property
    def hastened(self) -> bool:
        """Whether a second signal asked not to wait for runs in progress."""
        return self._hasten.is_set()

    async def end(self) -> None:
        """Returns when the pod must end: at SIGTERM, or when the master is gone, because nobody would send one then."""
        while not self._end.is_set():
            try:
                async with asyncio.timeout(1):
                    await self._end.wait()
            except TimeoutError:
                if os.getppid() != self._parent:
                    log.error("the master is gone: draining")
                    return

    async def unless_hastened(self, work: Awaitable[Result]) -> Result | None:
        """Awaits `work` and returns its result, or None when a second signal cancelled it."""
        waiting = asyncio.ensure_future(work)
        hasten = asyncio.ensure_future(self._hasten.wait())
        await asyncio.wait([waiting, hasten], return_when=asyncio.FIRST_COMPLETED)
        hasten.cancel()
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        return None

    def _term(self) -> None:
        if self._end.is_set():
            log.warning("asked twice: what still runs is handed back now")
            self._hasten.set()
        self._end.set()

    def _quit(self) -> None:
        self._end.set()
        self._hasten.set()
