"""The handlers that an app calls before and after each of its listeners: `app.listener_runner` has them.

Those of a synchronous app run in the thread of the listener, as with Bolt: its adapter for Django closes old
connections to its database in them, which belong to the thread.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_bolt.listener import CustomListener
from slack_bolt.listener.async_listener import AsyncCustomListener
from slack_bolt.listener.async_listener_completion_handler import AsyncDefaultListenerCompletionHandler
from slack_bolt.listener.async_listener_start_handler import AsyncDefaultListenerStartHandler
from slack_bolt.listener.listener_completion_handler import DefaultListenerCompletionHandler
from slack_bolt.listener.listener_start_handler import DefaultListenerStartHandler
from slack_bolt.util.utils import get_arg_names_of_callable, is_callable_coroutine

from anchorbolt.bolt.threads.adapt import listeners_in
from anchorbolt.settings.team import uses_django

_DJANGO = "slack_bolt.adapter.django.handler"
_OF_METHODS = frozenset({"self", "cls"})


@dataclass(frozen=True, slots=True)
class _Handlers:
    """Two handlers of Bolt's; None where the app has Bolt's default, which does nothing."""

    start: Any
    completion: Any


def keep(app: App | AsyncApp) -> None:
    """Lets each listener of an app call the handlers that the app has for that."""
    if isinstance(app, App):
        _keep(app)
    else:
        _keep_async(app)


def _keep_async(app: AsyncApp) -> None:
    runner = app.listener_runner
    given = _Handlers(
        _unless(runner.listener_start_handler, AsyncDefaultListenerStartHandler),
        _unless(runner.listener_completion_handler, AsyncDefaultListenerCompletionHandler),
    )
    if given == _Handlers(None, None):
        return
    for listener in _listeners(app._async_listeners, app._async_middleware_list):
        if is_callable_coroutine(listener.ack_function):
            listener.ack_function = _between_async(given, listener.ack_function)
            listener.arg_names = get_arg_names_of_callable(listener.ack_function)


def _keep(app: App) -> None:
    runner = app.listener_runner
    given = _Handlers(
        _unless(runner.listener_start_handler, DefaultListenerStartHandler),
        _unless(runner.listener_completion_handler, DefaultListenerCompletionHandler),
    )
    lazy = _of_django(runner.lazy_listener_runner)
    given = lazy if given == _Handlers(None, None) and lazy is not None else given
    for listener in _listeners(app._listeners, app._middleware_list):
        if given != _Handlers(None, None) and not is_callable_coroutine(listener.ack_function):
            listener.ack_function = _between(given, listener.ack_function)
        if lazy is not None:
            listener.lazy_functions = [_between(lazy, each) for each in listener.lazy_functions]


def _unless(handler: Any, default: type) -> Any:
    return None if type(handler) is default else handler


def _of_django(runner: Any) -> _Handlers | None:
    """What Bolt's adapter for Django does around listeners and lazy functions.

    With `process_before_response`, Django itself does it around its request; a team's view, which makes the adapter,
    may be imported with the first request. Neither is so here.
    """
    if type(runner).__module__ != _DJANGO and not uses_django():
        return None
    from slack_bolt.adapter.django import handler  # noqa: PLC0415 - there is a Django only where an app uses it

    return _Handlers(handler.DjangoListenerStartHandler(), handler.DjangoListenerCompletionHandler())


def _listeners(own: Iterable[Any], middleware: Iterable[Any]) -> Iterator[Any]:
    for listeners in (own, *map(listeners_in, middleware)):
        yield from (one for one in listeners if isinstance(one, CustomListener | AsyncCustomListener))


def _between(handlers: _Handlers, function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function between its handlers. It asks for the request and the response, which they are given."""
    names = _names(function)

    @functools.wraps(function)
    def whole(**arguments: Any) -> Any:
        of = {"request": arguments["request"], "response": arguments["response"]}
        try:
            if handlers.start is not None:
                handlers.start.handle(**of)
            return function(**{name: value for name, value in arguments.items() if name in names})
        finally:
            if handlers.completion is not None:
                handlers.completion.handle(**of)

    return _asking(whole, names)


def _between_async(handlers: _Handlers, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a coroutine function and handlers whose `handle` is one."""
    names = _names(function)

    @functools.wraps(function)
    async def whole(**arguments: Any) -> Any:
        of = {"request": arguments["request"], "response": arguments["response"]}
        try:
            if handlers.start is not None:
                await handlers.start.handle(**of)
            return await function(**{name: value for name, value in arguments.items() if name in names})
        finally:
            if handlers.completion is not None:
                await handlers.completion.handle(**of)

    return _asking(whole, names)


def _names(function: Callable[..., Any]) -> list[str]:
    return [name for name in get_arg_names_of_callable(function) if name not in _OF_METHODS]


def _asking(whole: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    asked = dict.fromkeys((*names, "request", "response"))
    vars(whole)["__signature__"] = Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in asked])
    del vars(whole)["__wrapped__"]  # Bolt would ask only for what the inner function asks for
    return whole
