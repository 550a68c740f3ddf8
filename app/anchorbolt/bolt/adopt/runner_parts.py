"""What a team may have put on `app.listener_runner` in the place of Bolt's own parts: taken, or refused with words."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from slack_bolt.listener.async_listener_error_handler import (
    AsyncCustomListenerErrorHandler,
    AsyncDefaultListenerErrorHandler,
)
from slack_bolt.listener.listener_error_handler import CustomListenerErrorHandler, DefaultListenerErrorHandler

from anchorbolt.bolt.error_handler import UnhandledRequest
from anchorbolt.bolt.listener_runner import ListenerRunner
from anchorbolt.errors import ListenersError

_BOLTS = "slack_bolt."
_NONE = (DefaultListenerErrorHandler, AsyncDefaultListenerErrorHandler, UnhandledRequest)
_DECORATED = (CustomListenerErrorHandler, AsyncCustomListenerErrorHandler)


def check_runner(runner: Any) -> None:
    """Raises ListenersError for a runner of listeners, or of lazy functions, that is a team's own.

    Those of Bolt's adapters (AWS Lambda, Django, ...) are no promise of a team's: ours takes their place.
    """
    for name, one in (("listener_runner", runner), ("lazy_listener_runner", runner.lazy_listener_runner)):
        if not type(one).__module__.startswith(_BOLTS) and not isinstance(one, ListenerRunner):
            raise ListenersError(
                f"{name} is {type(one).__name__}: listeners and lazy functions run here as parts of their delivery, so"
                " that they are finished when a pod dies. Leave it out, and put what it adds into a middleware or into"
                " listener_start_handler and listener_completion_handler"
            )


def check_handlers_of_ours(runner: Any) -> None:
    """Raises ListenersError for a handler with a synchronous `handle` on the runner of our app, which is asynchronous.

    A function of a team's that takes the app may have set it.
    """
    for name in ("listener_start_handler", "listener_completion_handler"):
        if not inspect.iscoroutinefunction(getattr(runner, name).handle):
            raise ListenersError(
                f"{name} has a synchronous `handle`: make it `async def`, or name a synchronous App in LISTENERS"
                " instead of a function"
            )


def error_handler_of(runner: Any) -> Callable[..., Any] | None:
    """Returns the function that is told of errors: that of `@app.error`, or one for an object with `handle`."""
    handler = runner.listener_error_handler
    if isinstance(handler, _DECORATED):
        return handler.func
    if isinstance(handler, _NONE):
        return None
    if inspect.iscoroutinefunction(handler.handle):

        async def handle_async(error: Exception, request: Any, response: Any) -> None:
            await handler.handle(error=error, request=request, response=response)

        return handle_async

    def handle(error: Exception, request: Any, response: Any) -> None:
        handler.handle(error=error, request=request, response=response)

    return handle
