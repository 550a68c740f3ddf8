"""SIGTERM ends the pod, a second one hastens the end; SIGINT is the master's to turn into one."""

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
    """What was asked of this process from outside."""

    def __init__(self) -> None:
        self._end = asyncio.Event()
        self._hasten = asyncio.Event()
        self._parent = os.getppid()

    def listen(self) -> None:
        """Takes the signals, in the loop of the worker."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._term)
        loop.add_signal_handler(signal.SIGQUIT, self._quit)
        # Ctrl-C reaches master and worker at once: the master answers it with a SIGTERM to us.
        loop.add_signal_handler(signal.SIGINT, lambda: None)

    @property
    def hastened(self) -> bool:
        """Whether somebody does not want to wait for what runs."""
        return self._hasten.is_set()

    async def end(self) -> None:
        """Returns when the pod shall end: at SIGTERM, or when the master is gone and nobody would send one."""
        while not self._end.is_set():
            try:
                async with asyncio.timeout(1):
                    await self._end.wait()
            except TimeoutError:
                if os.getppid() != self._parent:
                    log.error("the master is gone: draining")
                    return

    async def unless_hastened(self, work: Awaitable[Result]) -> Result | None:
        """The result of a wait, or None when it was cut by a second signal."""
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
