"""Web servers that a team's module starts: they end its import instead, and a main block waits in that line.

They would serve for ever, and the import would not come to its end. A server in a thread of the team's is let be: such
a thread has no import of its own. So is one of a main block that starts Socket Mode: it is not what receives requests.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from anchorbolt.bolt.adopt.beside import begin, beside_socket_mode
from anchorbolt.bolt.adopt.calls import in_an_import, wait_for_ever
from anchorbolt.bolt.adopt.going import of_this_context

# What every site of aiohttp starts by. It does not wait, and may be a health check beside Socket Mode: then the app is
# still to be made or to be given its listeners.
SITE = "BaseSite.start"
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
                    setattr(owner, name, _ending(original, call, is_site=path == SITE))

        for name in _SERVE:
            if (module := sys.modules.get(name)) is not None:
                replace(module)
        finder = _Finder(replace)
        sys.meta_path.insert(0, finder)
        undo.callback(sys.meta_path.remove, finder)
        yield


def _ending(original: Callable[..., Any], call: str, *, is_site: bool) -> Callable[..., Any]:
    @functools.wraps(original)
    def instead(*args: Any, **options: Any) -> Any:
        going = of_this_context()
        if going is None or going.socket.done() or (is_site and not going.has_complete_app()):
            return original(*args, **options)
        in_loop = inspect.iscoroutinefunction(original)
        if going.has_complete_app() or not in_loop or not going.is_main or in_an_import():
            going.come_to_server(call)
        if not in_loop:
            return wait_for_ever()
        serving = beside_socket_mode(going, call, functools.partial(original, *args, **options))
        return begin(serving) if is_site else serving

    return instead


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
