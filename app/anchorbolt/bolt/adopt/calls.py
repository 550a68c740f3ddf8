"""Calls of a team's that start nothing here: where they stand, and how they wait as they would."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType

import slack_bolt

from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

_OF_BOLT = slack_bolt.__name__
_IMPORT_SYSTEM = "importlib._bootstrap"


class LetGoError(SystemExit):
    """Ends a thread that has waited in a call that serves: the process ends."""


class _Waiting:
    """`over` ends all waits that have begun. `let_go` replaces it: a process of tests runs one app after the other."""

    over = threading.Event()


def wait_for_ever() -> None:
    """What a call that serves does, until the process ends. Raises LetGoError then.

    In the main thread, where our event loop runs an asynchronous `main()`, it raises at once: it would stop that loop.
    """
    if threading.current_thread() is not threading.main_thread():
        _Waiting.over.wait()
    raise LetGoError


async def wait_for_ever_async() -> None:
    """The same in an event loop, until its task is cancelled: it may be one of a lifespan."""
    await asyncio.Event().wait()


def let_go() -> None:
    """Ends the threads that are in `wait_for_ever`. Python, when it ends, waits for those of an executor."""
    _Waiting.over.set()
    _Waiting.over = threading.Event()


def in_an_import() -> bool:
    """Whether this call comes from a module that Python imports at this moment."""
    return any(_IMPORT_SYSTEM in frame.f_code.co_filename for frame in _frames())


def tell(call: str, **more: str) -> None:
    """Says in the log that a call of a team's starts nothing, and where it stands."""
    with suppress(StopIteration):
        server = f"{call.partition(':')[0]}."  # its own functions call each other
        ours = (f"{__package__}.", _OF_BOLT, server)
        frame = next(one for one in _frames() if not str(one.f_globals.get("__name__")).startswith(ours))
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        log.info("a call starts nothing, because Anchorbolt receives the requests", call=call, place=place, **more)


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
