"""The module that LISTENERS names: found and checked at the start, not at three in the morning."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listeners import register
from anchorbolt.errors import ListenersError
from slack_bolt.async_app import AsyncApp, AsyncAssistant

NAME = "listeners_of_a_test"


@pytest.fixture
def bolt() -> BoltApp:
    """The app, without listeners."""
    return BoltApp(token="xoxb-made-up", api_url="http://127.0.0.1:9/api/")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An empty module that can be imported."""
    made = ModuleType(NAME)
    monkeypatch.setitem(sys.modules, NAME, made)
    return made


def synchronous(*_: Any, **__: Any) -> Any:
    """A synchronous function."""


async def fine(*_: Any, **__: Any) -> Any:
    """A coroutine function."""


def an_assistant(of: Callable[..., Any]) -> AsyncAssistant:
    """An assistant whose one listener is this."""
    assistant = AsyncAssistant()
    assistant.user_message(of)
    return assistant


SYNCHRONOUS: dict[str, Callable[[AsyncApp], Any]] = {
    "event": lambda app: app.event("app_mention")(synchronous),
    "message": lambda app: app.message("hello")(synchronous),
    "command": lambda app: app.command("/x")(synchronous),
    "action": lambda app: app.action("x")(synchronous),
    "view": lambda app: app.view("x")(synchronous),
    "options": lambda app: app.options("x")(synchronous),
    "shortcut": lambda app: app.shortcut("x")(synchronous),
    "function": lambda app: app.function("x")(synchronous),
    "ack": lambda app: app.command("/x")(ack=synchronous, lazy=[fine]),
    "lazy": lambda app: app.command("/x")(ack=fine, lazy=[synchronous]),
    "middleware": lambda app: app.middleware(synchronous),
    "listener's middleware": lambda app: app.event("x", middleware=[synchronous])(fine),
    "matcher": lambda app: app.event("x", matchers=[synchronous])(fine),
    "error handler": lambda app: app.error(synchronous),
    "assistant": lambda app: app.assistant(an_assistant(synchronous)),
}


@pytest.mark.parametrize("style", SYNCHRONOUS)
def test_a_synchronous_function_is_taken(bolt: BoltApp, module: ModuleType, style: str) -> None:
    """Wherever a coroutine function may be registered, a synchronous one may be registered too."""
    module.register = SYNCHRONOUS[style]  # type: ignore[attr-defined]
    register(bolt, NAME)


def test_what_is_asynchronous_is_taken(bolt: BoltApp, module: ModuleType) -> None:
    """Coroutine functions, and objects whose __call__ is one, are no reason to refuse anything."""

    class Listener:
        async def __call__(self) -> None: ...

    def of_all(app: AsyncApp) -> None:
        app.event("app_mention")(fine)
        app.command("/x")(ack=fine, lazy=[fine])
        app.action("x", middleware=[fine], matchers=[fine])(Listener())
        app.assistant(an_assistant(fine))

    module.register = of_all  # type: ignore[attr-defined]
    register(bolt, NAME)


def test_no_such_module(bolt: BoltApp) -> None:
    """A name that cannot be imported is told, with the setting that holds it."""
    with pytest.raises(ListenersError, match=r"LISTENERS=nobody\.there: no module named 'nobody'"):
        register(bolt, "nobody.there")


def test_a_module_without_an_app(bolt: BoltApp, module: ModuleType) -> None:
    """A module without an app is told what was looked for, and what was found."""
    module.listen = synchronous  # type: ignore[attr-defined]
    with pytest.raises(ListenersError, match=r"looked for a function register\(app\).*found listen \(a function\)"):
        register(bolt, NAME)


@pytest.mark.parametrize("name", ["", ".", "app..x", "/etc/passwd"])
def test_a_name_that_is_none(bolt: BoltApp, name: str) -> None:
    """What cannot be the name of a module is a clear message too."""
    with pytest.raises(ListenersError, match="LISTENERS"):
        register(bolt, name)
