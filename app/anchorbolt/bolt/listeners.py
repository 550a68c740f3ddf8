"""Imports the module that LISTENERS names, and lets it register its listeners with the app."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from slack_bolt.async_app import AsyncApp, AsyncAssistant
from slack_bolt.error import BoltError
from slack_bolt.listener.async_listener import AsyncListener
from slack_bolt.listener_matcher.async_listener_matcher import AsyncCustomListenerMatcher
from slack_bolt.util.utils import is_callable_coroutine

from anchorbolt.bolt.index import ListenerIndex
from anchorbolt.bolt.names import Named
from anchorbolt.errors import ListenersError

# The sample app's name up to version 0.1, when it was a part of the product.
SAMPLE_BEFORE = "app.listeners"

ADVICE = "write `async def`, and put what blocks into `await asyncio.to_thread(...)`"


def register(app: AsyncApp, module_name: str) -> None:
    """Imports the module and calls its register(app). Raises ListenersError: at the start, not at the first event."""
    try:
        _register(app, module_name)
        refuse_synchronous(app)
        _name_listeners_of_assistants(app)
    except ListenersError as error:
        raise ListenersError(f"LISTENERS={module_name}: {error}") from error.__cause__


def _register(app: AsyncApp, module_name: str) -> None:
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ListenersError(f"no module named {error.name!r} can be imported{_advice(module_name, error)}") from error
    except Exception as error:  # whatever a module does when it is imported
        raise ListenersError(f"it cannot be imported: {_what_and_where(error)}") from error
    if getattr(module, "__file__", None) is None and hasattr(module, "__path__"):  # a namespace package
        raise ListenersError("no such module can be imported: there is only a folder of that name, without __init__.py")
    if not callable(getattr(module, "register", None)):
        raise ListenersError(
            "the module has no function register(app): put what decorates your app into `def register(app):`"
        )
    try:
        module.register(app)
    except BoltError as error:
        raise ListenersError(f"{error} ({ADVICE})" if "coroutine" in str(error) else str(error)) from error
    except Exception as error:  # whatever a register(app) does
        # Bolt says "Unexpected value for a middleware" of a synchronous one.
        advice = f" (middleware too: {ADVICE})" if isinstance(error, ValueError) and "middleware" in str(error) else ""
        raise ListenersError(f"register(app) failed: {_what_and_where(error)}{advice}") from error


def _advice(module_name: str, error: ModuleNotFoundError) -> str:
    """Returns what to write instead, where a module that cannot be found shows what was meant."""
    if module_name.endswith(".py"):
        return f"; a module is named without .py: LISTENERS={module_name.removesuffix('.py')}"
    if module_name.startswith(SAMPLE_BEFORE) and error.name in (SAMPLE_BEFORE, SAMPLE_BEFORE.partition(".")[0]):
        return "; if you mean the sample app, it is LISTENERS=anchorbolt_sample now, in the checkout only"
    return ""


def refuse_synchronous(app: AsyncApp) -> None:
    """Raises ListenersError for a synchronous matcher, or anything synchronous in an assistant.

    Bolt checks these only when they run, which is too late for the user who waits.
    """
    _check(list(app._async_listeners))
    for listeners in _of_assistants(app):
        _check(listeners)


def _of_assistants(app: AsyncApp) -> Iterator[Iterable[AsyncListener]]:
    for assistant in app._async_middleware_list:
        if isinstance(assistant, AsyncAssistant):
            yield assistant._thread_started_listeners or ()
            yield assistant._thread_context_changed_listeners or ()
            yield assistant._user_message_listeners or ()
            yield assistant._bot_message_listeners or ()


def _name_listeners_of_assistants(app: AsyncApp) -> None:
    """Names them together with the app's own listeners: no two have the same name."""
    if isinstance(app._async_listeners, ListenerIndex):
        for listeners in _of_assistants(app):
            for listener in listeners:
                app._async_listeners.names.give(cast("Named", listener), listener.ack_function)


def _check(listeners: Iterable[AsyncListener]) -> None:
    for listener in listeners:
        matchers = [matcher.func for matcher in listener.matchers if isinstance(matcher, AsyncCustomListenerMatcher)]
        functions: list[Callable[..., Any]] = [listener.ack_function, *listener.lazy_functions, *matchers]
        for function in functions:
            if not is_callable_coroutine(function):
                name = getattr(function, "__qualname__", type(function).__qualname__)
                raise ListenersError(f"{function.__module__}.{name} is no coroutine function: {ADVICE}")


def _what_and_where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
