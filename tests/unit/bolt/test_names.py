"""A listener has the name that its author gave it, and no two functions have the same."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

import pytest
from anchorbolt.bolt import listeners
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.names import Names, short_name, unwrapped
from slack_bolt.async_app import AsyncApp, AsyncAssistant

HERE = __name__


class Listener:
    """Takes a name."""

    qualified_name = ""


def names_of(*functions: Any) -> list[str]:
    """The names of listeners with these functions, once all are registered."""
    names, listeners = Names(), [Listener() for _ in functions]
    for listener, function in zip(listeners, functions, strict=True):
        names.give(listener, function)
    return [listener.qualified_name for listener in listeners]


def register() -> Any:
    """A function within a function, as `register(app)` has them."""

    async def on_message() -> None: ...

    return on_message


def register_another() -> Any:
    """Another one of the same name."""

    async def on_message() -> None: ...

    return on_message


class Team:
    """Listeners in a class."""

    async def on_message(self) -> None:
        """Handles a message."""

    async def __call__(self) -> None:
        """Is called."""


async def on_message_of_module() -> None:
    """A function of the module."""


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (register(), "on_message"),
        (on_message_of_module, "on_message_of_module"),
        (functools.partial(register(), 1), "on_message"),
        (functools.wraps(register())(lambda: None), "on_message"),
        (Team().on_message, "Team.on_message"),
        (Team(), "Team"),
        (lambda: None, "<lambda>"),
    ],
)
def test_a_name_is_the_functions_own(function: Any, name: str) -> None:
    """Neither the functions that it is written in nor its decorators are in it."""
    assert short_name(function) == f"{HERE}.{name}"
    assert names_of(function) == [f"{HERE}.{name}"]


def test_functions_of_one_name_are_told_apart_by_line() -> None:
    """Two functions of the same name have their lines, whichever was first; a function alone has none."""
    one, another = register(), register_another()
    line, other_line = (unwrapped(function).__code__.co_firstlineno for function in (one, another))
    expected = [f"{HERE}.on_message:{line}", f"{HERE}.on_message:{other_line}"]
    assert names_of(one, another) == expected
    assert names_of(another, one) == expected[::-1]


def test_functions_from_one_line_are_numbered() -> None:
    """What a loop makes is told apart too, by the order of registration."""
    line = register().__code__.co_firstlineno
    name = f"{HERE}.on_message:{line}"
    assert names_of(register(), register(), register()) == [name, f"{name}#2", f"{name}#3"]


def test_one_function_for_several_things_is_one_name() -> None:
    """A function that is registered twice has one series of metrics."""
    function, team = register(), Team()
    assert names_of(function, function, functools.partial(function, 1)) == [f"{HERE}.on_message"] * 3
    assert names_of(team.on_message, team.on_message) == [f"{HERE}.Team.on_message"] * 2


def test_an_app_and_its_assistants_share_no_name() -> None:
    """The listeners of an assistant are named together with those of the app, as Bolt keeps them elsewhere."""
    module = ModuleType("names_of_a_test")

    def register_in(app: AsyncApp) -> None:
        app.event("message")(register())
        assistant = AsyncAssistant()
        assistant.user_message(register_another())
        app.use(assistant)

    module.register = register_in  # type: ignore[attr-defined]
    module.__file__ = __file__
    sys.modules[module.__name__] = module
    try:
        app = BoltApp(token="xoxb-of-a-test", api_url="http://127.0.0.1:9/")
        listeners.register(app, module.__name__)
    finally:
        del sys.modules[module.__name__]
    assistant = next(one for one in app._async_middleware_list if isinstance(one, AsyncAssistant))
    of_assistant = assistant._user_message_listeners or []
    names = [listener.qualified_name for listener in (*app._async_listeners, *of_assistant)]  # type: ignore[attr-defined]
    assert len(set(names)) == len(names) == 2
    assert all(name.startswith(f"{HERE}.on_message:") for name in names)
