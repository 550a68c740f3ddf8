"""Web servers that a team's module starts: they end its import instead, and a main block waits in that line.

They would serve for ever, and the import would not come to its end. A server in a thread of the team's is let be: such
a thread has no import of its own.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from anchorbolt.bolt.adopt.calls import in_an_import, wait_for_ever, wait_for_ever_async
from anchorbolt.bolt.adopt.going import Import, current, end_import
from anchorbolt.bolt.adopt.own_parts import has_own_parts

# What every site of aiohttp starts by. It does not wait, and may be a health check beside Socket Mode: then the app is
# still to be made or to be given its listeners.
SITE = "BaseSite.start"
# How long other tasks of a main block may take to make its app, once one of them serves.
TASKS_SECONDS = 15.0
# What serves until it is stopped, by its module: a function, or a class and its method. The first name that a call
# comes to is enough: `uvicorn.run` starts a process of its own for `reload=True`, before any server is made.
_SERVE = {
    "uvicorn": ("run",),
    "uvicorn.server": ("Server.run", "Server.serve"),
    "aiohttp.web": ("run_app",),
    "aiohttp.web_runner": (SITE,),
    "flask.app": ("Flask.run",),
    "quart.app": ("Quart.run",),
    "werkzeug.serving": ("run_simple",),
    "waitress": ("serve",),
    "hypercorn.run": ("run",),
    "hypercorn.asyncio": ("serve",),
    "gunicorn.app.base": ("BaseApplication.run",),
    "tornado.platform.asyncio": ("BaseAsyncIOLoop.start",),
    "sanic.app": ("Sanic.run",),
    "bottle": ("run",),
    "cherrypy": ("quickstart",),
    "gevent.baseserver": ("BaseServer.serve_forever",),
    "socketserver": ("BaseServer.serve_forever",),
}


@contextmanager
def ended() -> Iterator[None]:
    """While this lasts, a call that would serve for ever ends the import, or waits in a main block, instead.

    This holds for servers that are imported already, and for those whose modules are imported meanwhile.
    """
    with ExitStack() as undo:

        def replace(module: ModuleType) -> None:
            for path in _SERVE[module.__name__]:
                *classes, name = path.split(".")
                owner: Any = module
                for part in classes:
                    owner = getattr(owner, part, None)
                if (original := vars(owner).get(name) if owner is not None else None) is not None:
                    undo.callback(setattr, owner, name, original)
                    call = f"{module.__name__.partition('.')[0]}: {path}()"
                    setattr(owner, name, _ending(original, call, complete=path == SITE))

        for name in _SERVE:
            if (module := sys.modules.get(name)) is not None:
                replace(module)
        finder = _Finder(replace)
        sys.meta_path.insert(0, finder)
        undo.callback(sys.meta_path.remove, finder)
        yield


def _ending(original: Callable[..., Any], call: str, *, complete: bool) -> Callable[..., Any]:
    async def in_main(going: Import, *args: Any, **options: Any) -> Any:
        if not complete:
            await _until_made(going)
        if not end_import(call, complete=complete):
            return await original(*args, **options)
        return await wait_for_ever_async()

    @functools.wraps(original)
    def instead(*args: Any, **options: Any) -> Any:
        going = current()
        if inspect.iscoroutinefunction(original) and going is not None and going.is_main and not in_an_import():
            return in_main(going, *args, **options)
        if not end_import(call, complete=complete):
            return original(*args, **options)
        return wait_for_ever_async() if inspect.iscoroutinefunction(original) else wait_for_ever()

    return instead


async def _until_made(going: Import) -> None:
    """Waits until a main block has an app with listeners, but no longer than TASKS_SECONDS.

    Where the block serves in one task and makes its app in another one, the server may come first.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(TASKS_SECONDS):
            while not (going.waits or any(map(has_own_parts, going.made))):  # noqa: ASYNC110 - no app tells of listeners
                await asyncio.sleep(0.02)


class _Finder(MetaPathFinder):
    """Calls a function with each module of `_SERVE` that is imported, as soon as it is."""

    def __init__(self, then: Callable[[ModuleType], None]) -> None:
        self._then = then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _SERVE else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._then(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign] # of this one module's loader
        return spec
