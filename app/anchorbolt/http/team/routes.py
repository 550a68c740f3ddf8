"""Finds what ROUTES names: an application or a router, and a pair of functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt.importing import import_module
from anchorbolt.errors import ListenersError, RoutesError
from anchorbolt.http.team.kinds import has_routes, is_asgi, is_wsgi
from anchorbolt.http.team.paths import wrong_paths
from anchorbolt.http.without_openapi import APIRouter

# The names that are looked for when ROUTES names a module only.
NAMES = ("app", "api", "router", "application")
STARTUP, SHUTDOWN = "startup", "shutdown"

Hook = Callable[[], Awaitable[Any] | Any]


@dataclass(frozen=True, slots=True)
class TeamRoutes:
    """What ROUTES names: an ASGI or WSGI application or a router, and two functions. Each of them may be missing."""

    setting: str = ""
    application: Any = None
    startup: Hook | None = None
    shutdown: Hook | None = None

    def __str__(self) -> str:
        found = [type(self.application).__name__] if self.application is not None else []
        found += [name for name in (STARTUP, SHUTDOWN) if getattr(self, name) is not None]
        return f"{self.setting} ({', '.join(found)})"


def load(setting: str | None) -> TeamRoutes:
    """Imports the module that ROUTES names, and finds the routes in it. Starts nothing.

    Args:
        setting: the value of ROUTES, `module` or `module:attribute`; None or empty: nothing is found.

    Raises:
        RoutesError: the module cannot be imported, there is nothing of that kind in it, or a route cannot work here.
    """
    if not setting:
        return TeamRoutes()
    name, colon, attribute = (part.strip() for part in setting.partition(":"))
    try:
        if not name or (colon and not attribute.isidentifier()):
            raise RoutesError("is module or module:attribute, such as app or app:api")
        module = import_module(name)
        return _with_attribute(module, setting, attribute) if attribute else _in_module(module, setting)
    except ListenersError as error:  # of import_module, whose messages name no setting
        raise RoutesError(f"ROUTES={setting}: {error}") from error.__cause__
    except RoutesError as error:
        raise RoutesError(f"ROUTES={setting}: {error}") from None


def _with_attribute(module: ModuleType, setting: str, attribute: str) -> TeamRoutes:
    application = getattr(module, attribute, None)
    if application is None:
        raise RoutesError(f"the module has no {attribute!r}")
    _require_servable(application, attribute)
    return TeamRoutes(setting, application)


def _in_module(module: ModuleType, setting: str) -> TeamRoutes:
    """The application of a module, and its pair of functions where the application does not call these itself."""
    name = _name_of_application(module)
    application = getattr(module, name) if name else None
    hooks = {hook: getattr(module, hook, None) for hook in (STARTUP, SHUTDOWN)}
    if application is not None:
        _require_servable(application, name)
        hooks = {hook: None if _is_registered(function, application) else function for hook, function in hooks.items()}
    wrong = [hook for hook, function in hooks.items() if function is not None and not callable(function)]
    if wrong:
        raise RoutesError(f"{', '.join(wrong)} of the module can not be called")
    if application is None and not any(hooks.values()):
        raise RoutesError(
            f"the module has none of {', '.join((*NAMES, STARTUP, SHUTDOWN))}: name an ASGI application, a FastAPI app"
            " or an APIRouter, as in module:attribute"
        )
    return TeamRoutes(setting, application, hooks[STARTUP], hooks[SHUTDOWN])


def _name_of_application(module: ModuleType) -> str:
    """The first of NAMES, else the only application or router that was made in the module; empty if there is none."""
    kinds = {name: value for name, value in vars(module).items() if has_routes(value)}
    named = [name for name in NAMES if name in kinds]
    if not named:
        values = {name: getattr(module, name, None) for name in NAMES}
        named = [name for name, value in values.items() if is_asgi(value) or is_wsgi(value)]
    if not named and len(kinds) > 1:
        raise RoutesError(f"the module has several: name one of {', '.join(kinds)}, as in module:attribute")
    return next(iter(named or kinds), "")


def _require_servable(application: Any, name: str) -> None:
    if isinstance(application, App | AsyncApp):
        raise RoutesError(f"{name!r} is a Bolt app: name it in LISTENERS, and an ASGI application or a router here")
    if not is_asgi(application) and not is_wsgi(application):
        raise RoutesError(
            f"{name!r} is no ASGI application, which is called with scope, receive and send, no WSGI application, and"
            " no router; a function that makes one is called in the module. What only its own server can run, as"
            " an application of aiohttp or Tornado, needs a process of its own"
        )
    if wrong := wrong_paths(application):
        raise RoutesError("; ".join(wrong))


def _is_registered(function: Any, application: Any) -> bool:
    """Whether an application calls this function itself, by `on_event` of FastAPI: it is called once then."""
    router = application if isinstance(application, APIRouter) else getattr(application, "router", None)
    return any(function in getattr(router, hooks, ()) for hooks in ("on_startup", "on_shutdown"))
