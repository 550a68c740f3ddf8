"""Runs the worker's event loop, with a heartbeat that shows the master that the loop is not blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import uvloop

from anchorbolt.errors import AnchorboltError
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
    beating = asyncio.get_running_loop().create_task(_beat(beat, beat_seconds))
    try:
        await live()
        leave_within(LEAVE_SECONDS)
    finally:
        beating.cancel()


async def _beat(beat: Callable[[], None], seconds: float) -> None:
    while True:
        beat()
        await asyncio.sleep(seconds)
