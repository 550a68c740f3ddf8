"""Starts and ends what a team's routes need: the lifespan of its application, and a pair of functions."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
from collections.abc import Coroutine, Iterator
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.lifespan.on import LifespanOn

from anchorbolt.bolt.adopt.importing import what_and_where
from anchorbolt.errors import RoutesError
from anchorbolt.http.team.application import TeamApplication
from anchorbolt.http.team.routes import Hook, TeamRoutes
from anchorbolt.http.without_click import Config
from anchorbolt.telemetry.logs import get_logger

log = get_logger("routes")

# How long the tasks that a team's startup has made may take to end after they were cancelled.
CANCEL_SECONDS = 1.0

_STARTING = contextvars.ContextVar("a team's startup runs", default=False)


class TeamLife:
    """Runs in every process that serves, whether it has a public port or not: listeners may need what it starts."""

    def __init__(self, routes: TeamRoutes, application: TeamApplication | None) -> None:
        """`application`: that of `routes`, as it is mounted."""
        self._routes = routes
        self._lifespan = _Lifespan(application) if application is not None else None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._started = False

    async def start(self) -> None:
        """Runs the application's startup, then the function `startup`. Raises RoutesError, which shows the team's line.

        It takes as long as they take; it may be cancelled.
        """
        try:
            with self._noting_tasks():
                if self._lifespan is not None:
                    await self._lifespan.start()
                await _call(self._routes.startup)
        except Exception as error:  # whatever a team's code raises
            raise RoutesError(f"ROUTES={self._routes.setting}: the startup failed: {what_and_where(error)}") from error
        self._started = True

    async def end(self, within_seconds: float) -> None:
        """Runs the function `shutdown`, then the application's, then cancels the tasks that their startup left.

        Raises nothing: what goes wrong is logged.
        """
        if self._started:
            self._started = False
            try:
                async with asyncio.timeout(within_seconds):
                    await self._shut_down()
            except TimeoutError:
                log.error(
                    "the shutdown of ROUTES is not done in time: the process ends without it", after=within_seconds
                )
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CANCEL_SECONDS)

    async def _shut_down(self) -> None:
        for end in (lambda: _call(self._routes.shutdown), self._lifespan.end if self._lifespan else None):
            try:
                if end is not None:
                    await end()
            except Exception as error:  # whatever a team's code raises
                log.error("the shutdown of ROUTES failed", error=what_and_where(error), exc_info=error)

    @contextlib.contextmanager
    def _noting_tasks(self) -> Iterator[None]:
        """Notes the tasks that are made by what runs inside, and not those that other parts make meanwhile."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()

        def make(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any) -> Any:
            task = before(loop, coroutine, **options) if before else asyncio.Task(coroutine, loop=loop, **options)
            if _STARTING.get():
                self._tasks.add(task)  # type: ignore[arg-type] # a task, where nobody has set a factory of futures
            return task

        token = _STARTING.set(True)
        loop.set_task_factory(make)  # type: ignore[arg-type] # its type names no keyword arguments
        try:
            yield
        finally:
            loop.set_task_factory(before)
            _STARTING.reset(token)


class _Lifespan:
    """The lifespan of one application, by uvicorn's own part for it; what was raised in it is kept."""

    def __init__(self, application: TeamApplication) -> None:
        self._application = application
        self._asked = False
        self._error: BaseException | None = None
        self._uvicorn: LifespanOn | None = None

    async def start(self) -> None:
        """Raises what the application raised. One without a lifespan has nothing to start."""
        uvicorn = LifespanOn(
            Config(self._run, interface="asgi3", lifespan="auto", log_config=None, ws="none", proxy_headers=False)
        )
        uvicorn.logger = _silent()  # its lines would show the same failure once more
        await uvicorn.startup()
        if self._asked and isinstance(self._error, Exception):
            raise self._error
        if uvicorn.startup_failed:
            raise RuntimeError("the application says that its startup failed")
        self._application.state = uvicorn.state
        self._uvicorn = uvicorn

    async def end(self) -> None:
        """Raises what the application raised."""
        if self._uvicorn is None or self._uvicorn.error_occurred:
            return
        await self._uvicorn.shutdown()
        if isinstance(self._error, Exception):
            raise self._error

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def asked() -> Any:
            self._asked = True
            return await receive()

        try:
            await self._application.asgi(scope, asked, send)
        except BaseException as error:
            self._error = error
            raise


async def _call(function: Hook | None) -> None:
    if function is None:
        return
    result = function()
    if inspect.isawaitable(result):
        await result


def _silent() -> logging.Logger:
    logger = logging.Logger("uvicorn.lifespan")
    logger.disabled = True
    return logger
