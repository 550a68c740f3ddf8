"""Runs a team's module as `python -m` does, up to where it starts its app: for apps that are built in a main block."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt import slow_import
from anchorbolt.bolt.adopt.block_thread import MainBlock
from anchorbolt.bolt.adopt.going import StartedError
from anchorbolt.bolt.adopt.importing import told, without_servers
from anchorbolt.bolt.adopt.target import MAIN, Target
from anchorbolt.errors import ListenersError


def app_of_main(target: Target) -> App | AsyncApp:
    """Runs a module as `python -m` does, and returns the app that it starts. Its coroutines run in a loop of their own.

    The block waits at the start of the app, in its thread, until the process ends, and what `finally` and `with` around
    it would close stays open. A `connect()` does not wait, so the block goes on after it, as with Bolt.

    Args:
        target: the module, or a package that has a `__main__`, with the arguments of its command line.

    Raises:
        ListenersError: when it cannot be run, or starts no app.
    """
    with told(target.module), _running(target) as block:
        block.going.came.result()
    return _app_of(block, target)


async def app_of_main_in_this_loop(target: Target) -> App | AsyncApp:
    """The same, but a coroutine that the block gives to `asyncio.run` runs in this loop, where listeners run too."""
    with told(target.module), _running(target, asyncio.get_running_loop()) as block:
        await asyncio.wrap_future(block.going.came)
    return _app_of(block, target)


@contextmanager
def _running(target: Target, loop: asyncio.AbstractEventLoop | None = None) -> Iterator[MainBlock]:
    """Runs a main block in its thread. Raises, at the end, what the block has raised before it started an app.

    A module that the block imports may start the app: that ends the import, and the block with it.
    """
    spec = _spec(target.module)
    module = importlib.util.module_from_spec(spec)
    module.__name__ = MAIN
    code, main = _code(spec), sys.modules[MAIN]
    with _as_main(spec.name, module, target.arguments), without_servers(is_main=True) as going:
        going.loop = loop
        block = MainBlock(lambda: exec(code, vars(module)), going, main)  # noqa: S102 - as an import would run it
        block.start()
        with slow_import.told(target.module, block.ident):
            yield block
        if going.has_started or block.raised is None:
            return
        if not isinstance(block.raised, StartedError):
            raise block.raised
        block.raised.keep_modules()


def _app_of(block: MainBlock, target: Target) -> App | AsyncApp:
    """Returns the app that the block has started. Raises ListenersError where there is none."""
    going = block.going
    if going.has_started:
        return going.app_of(going.started)
    if isinstance(block.raised, StartedError):
        return going.app_of(block.raised.app)
    if going.connected is not None:
        return going.connected
    raise ListenersError(
        f"it was run as `python -m {target.module}` and started no app: looked for app.start(),"
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
def _as_main(name: str, module: ModuleType, more: tuple[str, ...]) -> Iterator[None]:
    """The module is `__main__`, and has its own name too, so that nothing imports it a second time.

    It stays `__main__` until its block ends, as with Bolt: what it defines is pickled by that name, for a process pool
    or into a file.
    """
    arguments = sys.argv
    sys.modules[MAIN] = sys.modules[name] = module
    sys.argv = [str(module.__file__), *more]
    try:
        yield
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        module.__name__ = name  # in logs, and in names of listeners
        sys.argv = arguments
