"""A web server that a main block starts in its event loop, where Socket Mode may be what receives its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from anchorbolt.bolt.adopt.calls import wait_for_ever_async
from anchorbolt.bolt.adopt.going import Import
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn

log = get_logger("bolt")

# How long the other tasks of a main block may take to start an app, or to give one its listeners.
TASKS_SECONDS = 15.0

_begun: set[asyncio.Task[None]] = set()


async def beside_socket_mode(going: Import, call: str, serve: Callable[[], Awaitable[Any]]) -> Any:
    """Serves once a main block has started Socket Mode. Until then its server counts as what receives requests.

    Args:
        going: the main block.
        call: the call that serves, for the log.
        serve: serves.
    """
    socket = asyncio.wrap_future(going.socket)
    if not going.has_started:
        if asyncio.all_tasks() - {asyncio.current_task()}:
            await _until_app(going)
        if not socket.done():
            going.come_to_server(call)
    await asyncio.shield(socket)
    log.info("a web server of a main block serves, because the block has started Socket Mode beside it", call=call)
    try:
        return await serve()
    except (OSError, SystemExit) as error:  # uvicorn ends the process where its port is taken
        log.error(
            "a web server of a main block cannot serve, and the app goes on without it: its port may be that of"
            " Anchorbolt; give it another one, or name its application in ROUTES",
            call=call,
            error=f"{type(error).__name__}: {error}",
        )
        await wait_for_ever_async()


async def _until_app(going: Import) -> None:
    """Waits until another task of a main block has started an app, or made one with listeners."""
    with suppress(TimeoutError):
        async with asyncio.timeout(TASKS_SECONDS):
            while not (going.has_started or going.has_complete_app()):  # noqa: ASYNC110 - no app tells of its listeners
                await asyncio.sleep(0.02)


async def begin(serving: Coroutine[Any, Any, Any]) -> None:
    """Begins to serve as a task, and returns: a site of aiohttp does not wait."""
    spawn(serving, "a web server of a main block", among=_begun)
