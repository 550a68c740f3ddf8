"""A function of a team's that makes its app: it is called without arguments, and what it returns is the app."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt.going import StartedError
from anchorbolt.bolt.adopt.importing import told, without_servers
from anchorbolt.errors import ListenersError


def makes_app(function: Callable[..., Any]) -> bool:
    """Whether a function asks for no argument; one that takes the app asks for it."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C
        return False
    return all(one.default is not Parameter.empty or one.kind is Parameter.VAR_KEYWORD for one in parameters)


def app_of(function: Callable[..., Any], name: str) -> App | AsyncApp:
    """Calls the function, and returns the app that it made, or that it would start. Raises ListenersError.

    What it returns may hold the app: a bot, or the app and its handler. Then the only app that it has made is taken.
    """
    with told(name), without_servers() as going:
        try:
            app = function()
        except StartedError as started:
            return going.app_of(started.app)
    if isinstance(app, App | AsyncApp):
        return app
    if inspect.iscoroutine(app):
        app.close()
    elif app is not None and len(going.made) == 1:
        return going.made[0]
    raise ListenersError(
        f"{name}() returned {type(app).__name__}: a function without arguments has to return an App or an AsyncApp,"
        " and one that registers listeners has to take the app"
    )


def run_to_its_end(returned: object, call: str) -> None:
    """Runs what an asynchronous function of a team's has returned, to its end. Anything else is left alone.

    A function that only registers listeners waits for nothing, though it may be `async def`. `call`: what was called,
    for the error. Raises ListenersError for one that waits: the start waits for nobody.
    """
    if not inspect.iscoroutine(returned):
        return
    try:
        returned.send(None)
    except StopIteration:
        return
    returned.close()
    raise ListenersError(f"{call} waits for something: do that before it, or in a lifespan (docs/routes.md)")
