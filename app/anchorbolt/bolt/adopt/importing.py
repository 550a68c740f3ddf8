"""Imports a team's module, so that the import calls no Slack and starts no server of its own."""

from __future__ import annotations

import functools
import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_base_client import AsyncBaseClient
from slack_sdk.web.base_client import BaseClient

from anchorbolt.bolt import team_code
from anchorbolt.bolt.adopt import oauth_words, own_loop, servers, slow_import
from anchorbolt.bolt.adopt.going import STARTED, Import, StartedError, importing, note_made
from anchorbolt.errors import ListenersError

# The sample app's name up to version 0.1, when it was a part of the product.
SAMPLE_BEFORE = "app.listeners"

# What asyncio says where a loop is to be run inside of a running one, and nest_asyncio of one that it cannot change.
_IN_A_RUNNING_LOOP = ("loop is already running", "loop is running", "Can't patch loop")

GIVEN_AT = "_anchorbolt_place"  # the attribute of an app with the file and line where it was made
GIVEN = "_anchorbolt_options"  # the attribute of an app with the options that its constructor was given


def import_module(name: str) -> ModuleType:
    """Imports a module of a team's, up to where it starts its app. Raises ListenersError with the team's line."""
    with told(name), without_servers():
        try:
            with slow_import.told(name):
                module = importlib.import_module(name)
        except StartedError as started:  # with Bolt, nothing after that would run
            started.keep_modules()
            module = sys.modules[name]
            setattr(module, STARTED, started.app)
    if getattr(module, "__file__", None) is None and hasattr(module, "__path__"):  # a namespace package
        raise ListenersError("no such module can be imported: there is only a folder of that name, without __init__.py")
    return module


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turns whatever the import of this module raises into a ListenersError, which shows the team's own line."""
    try:
        yield
    except ListenersError:
        raise
    except ModuleNotFoundError as error:
        where = _place(error) if error.name not in _packages_of(name) else ""
        raise ListenersError(f"no module named {error.name!r} can be imported{where}{_advice(name, error)}") from error
    except SystemExit as error:
        raise ListenersError(f"it ends the process when it is imported{_place(error)}") from error
    except Exception as error:  # whatever a module does when it is imported
        in_loop = isinstance(error, RuntimeError | ValueError) and any(
            said in str(error) for said in _IN_A_RUNNING_LOOP
        )
        advice = f"; name it {name}:__main__, which runs it in a thread without one" if in_loop else ""
        raise ListenersError(f"it cannot be imported: {what_and_where(error)}{advice}") from error


def what_and_where(error: BaseException) -> str:
    """Returns an error's type and text, with the last line of the team's own code that it came through."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}:{error.lineno})"
    return f"{type(error).__name__}: {error}{_place(error)}"


def ask_slack_at(api_url: str) -> None:
    """Makes this address the default of every Web API client that is made from now on without one of its own.

    slack_sdk's address is a default argument of its clients, so a team's `WebClient(token=...)` and `App(token=...)`
    reach the emulator only if that default is another one.
    """
    for client in (BaseClient, AsyncBaseClient):
        names = client.__init__.__code__.co_varnames[1 : client.__init__.__code__.co_argcount]
        defaults = list(client.__init__.__defaults__ or ())
        defaults[names.index("base_url") - len(names)] = api_url
        client.__init__.__defaults__ = tuple(defaults)


@contextmanager
def without_servers(*, is_main: bool = False) -> Iterator[Import]:
    """While a team's module is imported, apps note their options and verify no token, and servers do not start.

    Args:
        is_main: whether it is run as `python -m` does.
    """
    with ExitStack() as undo:
        undo.enter_context(noting_apps())
        undo.enter_context(servers.ended())
        undo.enter_context(own_loop.allowed())
        yield undo.enter_context(importing(is_main=is_main))


@contextmanager
def noting_apps() -> Iterator[None]:
    """While this lasts, apps note their options, and verify no token."""
    instead: list[tuple[Any, Callable[..., Any]]] = [
        (App, _noting(App.__init__, token_verification_enabled=False)),
        (AsyncApp, _noting(AsyncApp.__init__)),
    ]
    with ExitStack() as undo:
        for owner, function in instead:
            undo.callback(setattr, owner, "__init__", owner.__init__)
            owner.__init__ = function
        yield


def _noting(init: Callable[..., None], **always: Any) -> Callable[..., None]:
    @functools.wraps(init)
    def noting(self: Any, **options: Any) -> None:
        setattr(self, GIVEN, options)
        caller = sys._getframe(1)
        setattr(self, GIVEN_AT, f"{caller.f_code.co_filename}:{caller.f_lineno}")
        name = Path(caller.f_code.co_filename).name  # where Bolt would look for the name
        with oauth_words.kept_back(options.get("logger")) if "authorize" not in options else nullcontext():
            init(self, **{"name": name, **options, **always})
        note_made(self)

    return noting


def _packages_of(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts) + 1)}


def _advice(module_name: str, error: ModuleNotFoundError) -> str:
    """Returns what to write instead, where a module that cannot be found shows what was meant."""
    if module_name.startswith(SAMPLE_BEFORE) and error.name in (SAMPLE_BEFORE, SAMPLE_BEFORE.partition(".")[0]):
        return "; if you mean the sample app, it is LISTENERS=anchorbolt_sample now, in the checkout only"
    if error.name in _packages_of(module_name):
        return f"; looked in {Path.cwd()} and the installed packages"
    return "; install it into the environment that runs anchorbolt"


def _place(error: BaseException) -> str:
    """Returns the last line of the team's own code that an error came through, or the last of all, in brackets."""
    last = (team_code.frames(error) or traceback.extract_tb(error.__traceback__))[-1:]
    return f" ({last[0].filename}:{last[0].lineno})" if last else ""
