"""One import of a team's module, or one run of its main block, and what ends it: a call that waits for requests."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt.calls import in_an_import, tell
from anchorbolt.bolt.adopt.own_parts import has_own_parts
from anchorbolt.errors import ListenersError
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

STARTED = "_anchorbolt_started"  # the attribute of a module with the app that its import started


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
    """One import of a team's module, or one run of its main block.

    `connected` is the app that an import connected to Socket Mode before it went on, and `made` are all apps that it
    has made. `came` is done when a main block has come to its start, or to its end, and `socket` when it has started
    Socket Mode: then its web servers are not what receives requests. `loop` is where its coroutines run, if not in a
    loop of its own.
    """

    is_main: bool
    connected: App | AsyncApp | None = None
    made: list[App | AsyncApp] = field(default_factory=list)
    has_started: bool = False
    started: App | AsyncApp | None = None
    came: Future[None] = field(default_factory=Future)
    socket: Future[None] = field(default_factory=Future)
    loop: asyncio.AbstractEventLoop | None = None

    def come_to_start(self, app: App | AsyncApp | None) -> None:
        """Ends an import where it starts its app. A main block goes on, as with Bolt: its caller waits or returns.

        So nothing is closed that a `finally` or `with` around the start would close, and the tasks that the block has
        begun go on. A module that the block imports could not be imported by anybody else while it waits; so it ends.

        Args:
            app: None where a web server is started, which does not tell its app.
        """
        if not self.is_main or in_an_import():
            raise StartedError(app)
        if app is not None and not self.socket.done():
            self.socket.set_result(None)
        if not self.has_started:
            self.started = app
            self.has_started = True
            self.come()
        elif app is not None and self.started is not None and app is not self.started:
            log.warning("a main block starts a second app, which gets no requests: name them module:a,module:b")

    def come(self) -> None:
        """Ends the wait for a main block."""
        if not self.came.done():
            self.came.set_result(None)

    def come_to_server(self, call: str) -> None:
        """Comes to the start where a web server is started. `call`: what starts it, for the log."""
        tell(call, routes="name its application in ROUTES, if it has routes of its own")
        self.come_to_start(None)

    def app_of(self, started: App | AsyncApp | None) -> App | AsyncApp:
        """Returns the app that was started, or the only one that was made before a web server was started.

        Raises ListenersError where that is not clear.
        """
        if started is not None:
            return started
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

# All apps that were made while LISTENERS were imported, in their order.
_MADE: ContextVar[list[App | AsyncApp] | None] = ContextVar("the apps that were made", default=None)

_main_blocks: list[Import] = []  # the one that runs, until it has come to its start


@contextmanager
def importing(*, is_main: bool = False) -> Iterator[Import]:
    """While this lasts, what would wait for requests for ever ends the import, or comes to the start of a main block.

    Args:
        is_main: whether a main block is run.
    """
    with ExitStack() as undo:
        going = Import(is_main)
        undo.callback(_IMPORT.reset, _IMPORT.set(going))
        if is_main:
            _main_blocks.append(going)
            undo.callback(_main_blocks.remove, going)
        yield going


def current() -> Import | None:
    """The import that goes on in this thread or task; in a thread that a main block has begun, that of the block."""
    return _IMPORT.get() or next(iter(_main_blocks), None)


@contextmanager
def noting_made() -> Iterator[list[App | AsyncApp]]:
    """Yields the apps that are made while this lasts, in one import or several."""
    made: list[App | AsyncApp] = []
    token = _MADE.set(made)
    try:
        yield made
    finally:
        _MADE.reset(token)


def note_made(app: App | AsyncApp) -> None:
    """Notes an app that was made, with the import that goes on."""
    if (made := _MADE.get()) is not None:
        made.append(app)
    if (going := current()) is not None:
        going.made.append(app)


def of_this_context() -> Import | None:
    """The import that this thread or task belongs to. That of a main block stays when it has started its app."""
    return _IMPORT.get()
