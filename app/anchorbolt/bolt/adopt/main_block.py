"""Runs a team's module as `python -m` does, up to where it starts its app: for apps that are built in a main block."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.base_handler import BaseSocketModeHandler
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt.importing import Starts, told, without_servers
from anchorbolt.errors import ListenersError

MAIN = "__main__"


class _StartedError(BaseException):
    """Ends a main block where it starts its app. No Exception, so that no `except Exception` of a team's hides it."""

    def __init__(self, app: App | AsyncApp) -> None:
        super().__init__("the app was started")
        self.app = app


def app_of_main(name: str) -> App | AsyncApp:
    """Runs a module as `python -m` does, and returns the app that it starts.

    The run ends at the start of the app. What would run after that does not run; blocks of `finally` and `with` around
    it end.

    Args:
        name: the module, or a package that has a `__main__`.

    Raises:
        ListenersError: when it cannot be run, or starts no app.
    """
    with told(name):
        spec = _spec(name)
        module = importlib.util.module_from_spec(spec)
        module.__name__ = MAIN
        code = _code(spec)
        try:
            with _as_main(spec.name, module), without_servers(_STARTS):
                _in_a_thread(lambda: exec(code, vars(module)))  # noqa: S102 - as an import of it would run it
        except _StartedError as started:
            return started.app
    raise ListenersError(
        f"it was run as `python -m {name}` and started no app: looked for app.start() and"
        " SocketModeHandler(app, ...).start()"
    )


def _spec(name: str) -> ModuleSpec:
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        name = f"{name}.{MAIN}"
        spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return spec


def _code(spec: ModuleSpec) -> Any:
    if not isinstance(spec.loader, InspectLoader):
        raise ListenersError("it cannot be run: Python gives no code of it")
    return spec.loader.get_code(spec.name)


@contextmanager
def _as_main(name: str, module: ModuleType) -> Iterator[None]:
    """The module is `__main__` while it runs, and has its own name too, so that nothing imports it a second time."""
    main, arguments = sys.modules[MAIN], sys.argv
    sys.modules[MAIN] = sys.modules[name] = module
    sys.argv = [str(module.__file__)]
    try:
        yield
    except _StartedError:
        raise
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        module.__name__ = name  # in logs, and in names of listeners
        sys.modules[MAIN], sys.argv = main, arguments


def _in_a_thread(run: Callable[[], None]) -> None:
    """Runs it where no event loop runs, because a main block may call asyncio.run(). Raises what it raises."""
    raised: list[BaseException] = []

    def keep() -> None:
        try:
            run()
        except BaseException as error:  # raised again below
            raised.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(keep,))
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def _no_handler(*_: Any, **__: Any) -> None:
    """A main block handles no signals: a drain begins with them."""


def _started(app: App | AsyncApp, *_: Any, **__: Any) -> None:
    raise _StartedError(app)


def _connected(handler: BaseSocketModeHandler, *_: Any, **__: Any) -> None:
    handler.close()  # type: ignore[no-untyped-call] # its client has threads from the beginning
    raise _StartedError(handler.app)


async def _connected_async(handler: AsyncBaseSocketModeHandler, *_: Any, **__: Any) -> None:
    await handler.close_async()  # type: ignore[no-untyped-call] # Bolt has no types here
    raise _StartedError(handler.app)


_STARTS: Starts = [
    (signal, "signal", _no_handler),
    (asyncio.SelectorEventLoop, "add_signal_handler", _no_handler),
    (App, "start", _started),
    (AsyncApp, "start", _started),
    (BaseSocketModeHandler, "start", _connected),
    (BaseSocketModeHandler, "connect", _connected),
    (AsyncBaseSocketModeHandler, "start_async", _connected_async),
    (AsyncBaseSocketModeHandler, "connect_async", _connected_async),
]
