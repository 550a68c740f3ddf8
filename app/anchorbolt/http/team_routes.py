"""A team's own routes on the public port (ROUTES), and what they start and end with."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from asgi_lifespan import LifespanManager, LifespanNotSupported
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from anchorbolt.errors import RoutesError

# The names that are looked for when ROUTES names a module only.
APPS = ("app", "router", "api")
STARTUP, SHUTDOWN = "startup", "shutdown"
# Slack's paths are ours: a request to another one below it is answered 404 by us.
OURS = "/slack"

Hook = Callable[[], Awaitable[Any] | Any]


@dataclass(frozen=True, slots=True)
class TeamRoutes:
    """What ROUTES names: an ASGI application or a router, and two functions. Each of them may be missing."""

    application: Any = None
    startup: Hook | None = None
    shutdown: Hook | None = None


def find(module: ModuleType, attribute: str | None) -> TeamRoutes:
    """Finds a team's routes in its module.

    Args:
        module: the module that ROUTES names.
        attribute: the name of an ASGI application or a router in it; None: `app`, `router` or `api`.

    Raises:
        RoutesError: there is nothing of that kind, or a route that cannot work here.
    """
    names = (attribute,) if attribute else APPS
    application = next((found for name in names if (found := getattr(module, name, None)) is not None), None)
    startup, shutdown = getattr(module, STARTUP, None), getattr(module, SHUTDOWN, None)
    if attribute and application is None:
        raise RoutesError(f"the module has no {attribute!r}")
    if application is None and startup is None and shutdown is None:
        raise RoutesError(
            f"the module has none of {', '.join(APPS)}, {STARTUP} and {SHUTDOWN}: name an ASGI application, a FastAPI"
            " app or an APIRouter, as in module:attribute"
        )
    if application is not None and not callable(application):
        raise RoutesError(f"{attribute or 'app'!r} is no ASGI application and no router")
    _refuse_what_cannot_work(_routes_of(application))
    return TeamRoutes(application, startup, shutdown)


def mount(web: FastAPI, routes: TeamRoutes) -> None:
    """Puts a team's routes beside ours, which come first."""
    if isinstance(routes.application, APIRouter):
        web.include_router(routes.application)
    elif routes.application is not None:
        web.router.routes.append(Mount("/", _Beside(routes.application)))


class TeamLife:
    """What a team's routes start and end with: the lifespan of their application, and a pair of functions."""

    def __init__(self, web: FastAPI, routes: TeamRoutes) -> None:
        self._web = web
        self._routes = routes
        self._open = AsyncExitStack()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self, within_seconds: float) -> None:
        """Starts them. Raises RoutesError, with what was raised as its cause."""
        before = asyncio.all_tasks()
        try:
            async with asyncio.timeout(within_seconds):
                await self._open.enter_async_context(_lifespan(self._web, self._routes.application, within_seconds))
                await _call(self._routes.startup)
        except Exception as error:  # whatever a team's startup raises
            raise RoutesError(f"their startup failed: {type(error).__name__}: {error}") from error
        self._tasks = asyncio.all_tasks() - before

    async def end(self, within_seconds: float) -> None:
        """Ends them, after the drain; what they have left running is cancelled. Raises nothing of theirs."""
        try:
            async with asyncio.timeout(within_seconds):
                await _call(self._routes.shutdown)
                await self._open.aclose()
        finally:
            left = [task for task in self._tasks if not task.done()]
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=1)


@asynccontextmanager
async def _lifespan(web: FastAPI, application: Any, seconds: float) -> AsyncIterator[None]:
    """Runs the lifespan of a team's application. A router's is that of the application that includes it."""
    if application is None:
        yield
        return
    of: Any = web if isinstance(application, APIRouter) else application
    try:
        manager = LifespanManager(of, startup_timeout=seconds, shutdown_timeout=seconds)
        await manager.__aenter__()
    except LifespanNotSupported:
        yield
        return
    mounted = next((route.app for route in web.router.routes if isinstance(route, Mount)), None)
    if isinstance(mounted, _Beside):
        mounted.application = manager.app  # it gives requests the state of the lifespan
    try:
        yield
    finally:
        await manager.__aexit__(None, None, None)


async def _call(function: Hook | None) -> None:
    if function is None:
        return
    result = function()
    if inspect.isawaitable(result):
        await result


class _Beside:
    """A team's application, which is never asked about Slack's paths, and sees the state of its own lifespan."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, below the root."""
        await self.application({**scope, "root_path": scope["root_path"].removesuffix("/")}, receive, send)


def _routes_of(application: Any) -> list[BaseRoute]:
    return application.routes if isinstance(application, APIRouter | Starlette) else []


def _refuse_what_cannot_work(routes: list[BaseRoute]) -> None:
    """Refuses WebSockets, which the public port does not speak, and paths that are Slack's. All of them at once."""
    wrong = []
    for route in routes:
        path = getattr(route, "path", "")
        if isinstance(route, WebSocketRoute):
            wrong.append(f"{path} is a WebSocket, which the public port does not speak: serve it from another process")
        elif path == OURS or path.startswith(f"{OURS}/"):
            wrong.append(f"{path} is below {OURS}, which belongs to Slack's requests: choose another path")
    if wrong:
        raise RoutesError("; ".join(wrong))
