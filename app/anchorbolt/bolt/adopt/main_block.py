"""Runs a team's module as `python -m` does, up to where it starts its app: for apps that are built in a main block."""

from __future__ import annotations

import asyncio
import contextvars
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt import slow_import
from anchorbolt.bolt.adopt.importing import told, without_servers
from anchorbolt.bolt.adopt.starts import StartedError
from anchorbolt.errors import ListenersError

MAIN = "__main__"


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
            with _as_main(spec.name, module), without_servers(is_main=True) as going:
                _in_a_thread(name, lambda: exec(code, vars(module)))  # noqa: S102 - as an import of it would run it
        except StartedError as started:
            started.keep_modules()
            return going.app_of(started)
    if going.connected is not None:
        return going.connected
    raise ListenersError(
        f"it was run as `python -m {name}` and started no app: looked for app.start(),"
        " SocketModeHandler(app, ...).start() and web servers"
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
    except StartedError:
        raise
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        module.__name__ = name  # in logs, and in names of listeners
        sys.modules[MAIN], sys.argv = main, arguments


def _in_a_thread(name: str, run: Callable[[], None]) -> None:
    """Runs it where no event loop runs, because a main block may call asyncio.run(). Raises what it raises."""
    raised: list[BaseException] = []

    def keep() -> None:
        try:
            with slow_import.told(name), _current_loop():
                run()
        except BaseException as error:  # raised again below
            raised.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(keep,))
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


@contextmanager
def _current_loop() -> Iterator[None]:
    """Gives this thread an event loop: `asyncio.get_event_loop()` makes one by itself only in the main thread."""
    runner = asyncio.Runner()
    loop = runner.get_loop()
    try:
        yield
    finally:
        if not loop.is_closed():  # by the block itself
            runner.close()
