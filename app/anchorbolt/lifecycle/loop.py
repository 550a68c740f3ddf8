"""Runs the worker's event loop, with a heartbeat that shows the master that the loop is not blocked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import uvloop

from anchorbolt.errors import AnchorboltError
from anchorbolt.lifecycle.heartbeat import from_a_thread, is_loading
from anchorbolt.lifecycle.leave import leave_within
from anchorbolt.telemetry.logs import get_logger

log = get_logger("lifecycle")

# How long the process has to end by itself once all is closed.
LEAVE_SECONDS = 2.0


def run(live: Callable[[], Awaitable[None]], beat: Callable[[], None], beat_seconds: float) -> None:
    """Runs `live` to its end, and calls `beat` every `beat_seconds` meanwhile.

    Raises an AnchorboltError, after logging it, when `live` could not start.
    """
    try:
        uvloop.run(_run(live, beat, beat_seconds))
    except AnchorboltError as error:
        log.error("cannot start", error=str(error))
        raise


async def _run(live: Callable[[], Awaitable[None]], beat: Callable[[], None], beat_seconds: float) -> None:
    with from_a_thread(beat, beat_seconds) as loaded:
        beating = asyncio.get_running_loop().create_task(_beat(beat, beat_seconds, loaded))
        try:
            await live()
            leave_within(LEAVE_SECONDS)
        finally:
            beating.cancel()


async def _beat(beat: Callable[[], None], seconds: float, loaded: threading.Event) -> None:
    """Until the team's modules are imported, a thread beats too: an import blocks the loop."""
    while True:
        if not is_loading():
            loaded.set()
        beat()
        await asyncio.sleep(seconds)
