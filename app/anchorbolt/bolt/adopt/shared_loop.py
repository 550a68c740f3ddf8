"""A coroutine that a main block runs shares our event loop with the listeners, as with Bolt.

So a queue, a session or a pool that an asynchronous `main()` has made can be used by listeners.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvloop
from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt.calls import LetGoError
from anchorbolt.bolt.adopt.going import Import, of_this_context

_RUNNERS: list[Any] = [asyncio, uvloop]  # the modules whose function `run` is replaced


def share() -> None:
    """From now on, `asyncio.run` in a main block runs its coroutine where the block says. Others run as before."""
    while _RUNNERS:
        owner = _RUNNERS.pop()
        owner.run = _instead(owner.run)


@contextmanager
def current(going: Import) -> Iterator[None]:
    """Gives this thread an event loop: `asyncio.get_event_loop()` makes one by itself only in the main thread."""
    runner = asyncio.Runner()
    loop: Any = runner.get_loop()
    run_until_complete = loop.run_until_complete

    def instead(future: Any) -> Any:
        if not inspect.iscoroutine(future) or asyncio.all_tasks(loop):
            return run_until_complete(future)
        shared = _shared(going, future)
        return run_until_complete(future) if shared is None else _run_in(shared, future)

    loop.run_until_complete = instead
    try:
        yield
    finally:
        del loop.run_until_complete
        if not loop.is_closed():  # by the block itself
            runner.close()


def _instead(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run(main: Any, **options: Any) -> Any:
        going = of_this_context()
        if going is None or not inspect.iscoroutine(main) or asyncio._get_running_loop() is not None:
            return original(main, **options)
        shared = _shared(going, main)
        return original(main, **options) if shared is None else _run_in(shared, main)

    return run


def _shared(going: Import, main: Coroutine[Any, Any, Any]) -> asyncio.AbstractEventLoop | None:
    """Returns the loop that a coroutine shares with the listeners. None: it runs in one of its own.

    The listeners of a synchronous app run in threads, so its `main()` may block its loop, as by a synchronous start.
    Where no app is made yet, the classes tell that the module of `main()` has imported.
    """
    if going.made:
        kinds = {type(one) for one in going.made}
    else:
        frame: FrameType | None = getattr(main, "cr_frame", None)  # None where it has ended
        names = frame.f_globals.values() if frame is not None else ()
        kinds = {one for one in names if one is App or one is AsyncApp}
    return None if kinds and not any(issubclass(kind, AsyncApp) for kind in kinds) else going.loop


def _run_in(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine in a loop of another thread, and waits for its result."""
    ended: list[BaseException] = []

    async def run() -> Any:
        try:
            return await main
        except (SystemExit, KeyboardInterrupt) as error:  # they would end that loop
            ended.append(error)

    try:
        result = asyncio.run_coroutine_threadsafe(run(), loop).result()
    except CancelledError:  # that loop ends
        raise LetGoError from None
    if ended:
        raise ended[0]
    return result
