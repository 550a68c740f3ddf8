"""`app.start()` and `SocketModeHandler(app, ...).start()` start nothing here, wherever they are called.

Anchorbolt receives the requests. A second receiver would take deliveries from Slack that no inbox has.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import slack_bolt
from slack_bolt import App
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.base_handler import BaseSocketModeHandler
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt.own_parts import has_own_parts
from anchorbolt.errors import ListenersError
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

STARTED = "_anchorbolt_started"  # the attribute of a module with the app that its import started

_OF_BOLT = slack_bolt.__name__
_IMPORT_SYSTEM = "importlib._bootstrap"


class StartedError(BaseException):
    """Ends an import where it starts its app. No Exception, so that no `except Exception` of a team's hides it."""

    def __init__(self, app: App | AsyncApp | None) -> None:
        """`app`: None where a web server was started, which does not tell its app."""
        super().__init__("the app was started")
        self.app = app
        self._modules = dict(sys.modules)

    def keep_modules(self) -> None:
        """Puts back the modules that Python forgets because their import ended here: listeners import from them."""
        for name, module in self._modules.items():
            sys.modules.setdefault(name, module)


@dataclass
class Import:
    """One import of a team's module. `connected` is the app that it connected to Socket Mode before it went on."""

    is_main: bool
    connected: App | AsyncApp | None = None
    made: list[App | AsyncApp] = field(default_factory=list)

    def app_of(self, started: StartedError) -> App | AsyncApp:
        """Returns the app that was started, or the only one that was made before a web server was started.

        Raises ListenersError where that is not clear.
        """
        if started.app is not None:
            return started.app
        if len(self.made) == 1:
            return self.made[0]
        raise ListenersError(
            f"it starts a web server, and has made {len(self.made)} apps before that: name the app itself, as in"
            " module:app"
        )

    def has_complete_app(self) -> bool:
        """Whether exactly one app was made, and has been given listeners."""
        return len(self.made) == 1 and has_own_parts(self.made[0])


# That of this thread or task. In a thread that a team's module starts there is none, as after the import.
_IMPORT: ContextVar[Import | None] = ContextVar("the import of a team's module", default=None)


@contextmanager
def importing(*, is_main: bool = False) -> Iterator[Import]:
    """Inside of the block, what would wait for requests for ever ends the import instead.

    Args:
        is_main: whether a main block is run; what follows a `connect()` in it would wait for the end of the process.
    """
    with ExitStack() as undo:
        if is_main:
            for owner, name in ((signal, "signal"), (asyncio.SelectorEventLoop, "add_signal_handler")):
                undo.callback(setattr, owner, name, getattr(owner, name))
                setattr(owner, name, _no_handler)
        going = Import(is_main)
        undo.callback(_IMPORT.reset, _IMPORT.set(going))
        yield going


def note_made(app: App | AsyncApp) -> None:
    """Notes an app that was made, with the import that goes on."""
    if (going := _IMPORT.get()) is not None:
        going.made.append(app)


def end_import(call: str, *, complete: bool = False) -> None:
    """Ends the import that goes on, if there is one, because of a call that would serve for ever.

    Args:
        call: the call, for the log.
        complete: end it only if exactly one app was made, and has listeners.
    """
    if (going := _IMPORT.get()) is not None and (not complete or going.has_complete_app()):
        _tell(call, routes="name its application in ROUTES, if it has routes of its own")
        raise StartedError(None)


def take_over() -> None:
    """From now on, no app and no handler of Bolt's receives requests in this process."""
    for owner, name, instead in _INSTEAD:
        setattr(owner, name, instead)


def _no_handler(*_: Any, **__: Any) -> None:
    """A main block handles no signals: a drain begins with them."""


def _start(app: App | AsyncApp, *_: Any, **__: Any) -> None:
    _started(app, "app.start()")


def _start_socket(handler: BaseSocketModeHandler, *_: Any, **__: Any) -> None:
    handler.close()  # type: ignore[no-untyped-call] # its client has threads from the beginning
    _started(handler.app, "SocketModeHandler.start()")


def _connect_socket(handler: BaseSocketModeHandler, *_: Any, **__: Any) -> None:
    handler.close()  # type: ignore[no-untyped-call] # its client has threads from the beginning
    _connected(handler.app, "SocketModeHandler.connect()")


async def _start_socket_async(handler: AsyncBaseSocketModeHandler, *_: Any, **__: Any) -> None:
    await handler.close_async()  # type: ignore[no-untyped-call] # Bolt has no types here
    _started(handler.app, "AsyncSocketModeHandler.start_async()")
    await asyncio.Event().wait()  # as Bolt's own, until it is cancelled: it may be a task of a lifespan


async def _connect_socket_async(handler: AsyncBaseSocketModeHandler, *_: Any, **__: Any) -> None:
    await handler.close_async()  # type: ignore[no-untyped-call] # Bolt has no types here
    _connected(handler.app, "AsyncSocketModeHandler.connect_async()")


def _started(app: App | AsyncApp, call: str) -> None:
    """Ends the import, if there is one: what waits for requests does not return. Else the log has the call."""
    if _IMPORT.get() is not None:
        raise StartedError(app)
    _tell(call)


def _connected(app: App | AsyncApp, call: str) -> None:
    """Ends a main block. A module that is imported goes on: with Bolt, too, its listeners may come after that."""
    if (going := _IMPORT.get()) is not None:
        if going.is_main and not any(_IMPORT_SYSTEM in frame.f_code.co_filename for frame in _frames()):
            raise StartedError(app)
        going.connected = app
    _tell(call)


def _tell(call: str, **more: str) -> None:
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


_INSTEAD: list[tuple[Any, str, Callable[..., Any]]] = [
    (App, "start", _start),
    (AsyncApp, "start", _start),
    (BaseSocketModeHandler, "start", _start_socket),
    (BaseSocketModeHandler, "connect", _connect_socket),
    (AsyncBaseSocketModeHandler, "start_async", _start_socket_async),
    (AsyncBaseSocketModeHandler, "connect_async", _connect_socket_async),
]
