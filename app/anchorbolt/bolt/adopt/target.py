"""The values of LISTENERS: `module`, `module:attribute` or `module:__main__ ARGUMENTS`, separated by commas."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import ModuleType
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.bolt.adopt.going import STARTED
from anchorbolt.bolt.adopt.own_parts import has_own_parts
from anchorbolt.bolt.adopt.source import APPS, Source
from anchorbolt.errors import ListenersError

# The names that are looked for when LISTENERS names a module only.
FUNCTIONS = ("register", "register_listeners")
APP = "app"
MAIN = "__main__"

_ADAPTERS = "slack_bolt.adapter."

Brought = App | AsyncApp | Callable[[AsyncApp], Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One of the comma-separated values of LISTENERS: a module, and the name of what it holds, if one is given.

    `arguments` are those of the command line, for a main block.
    """

    module: str
    attribute: str | None
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}" if self.attribute else self.module

    def find(self, module: ModuleType, made: Sequence[App | AsyncApp] = ()) -> Brought:
        """Returns what this value names in its imported module. Raises ListenersError, which says what was found.

        `made`: the apps that its import has made. One that no name of the module leads to is taken if it is the only
        one: it may be an attribute of an object, or be kept in a dictionary.
        """
        if self.attribute is not None:
            return self._named(module, self.attribute)
        if isinstance(started := getattr(module, STARTED, None), App | AsyncApp):
            return started
        apps = _apps(module)
        for name in FUNCTIONS:
            if callable(found := getattr(module, name, None)):
                app = next(iter(apps.values())) if len(apps) == 1 else None
                return self._function_or_app(module, name, found, app)
        if len(apps) == 1:
            return next(iter(apps.values()))
        if apps:
            names = ", ".join(sorted(apps))
            raise ListenersError(f"the module has several apps ({names}): name one of them, as in {self.module}:NAME")
        if len(made) == 1:
            return made[0]
        raise ListenersError(
            "the module has no app: looked for a function register(app) or register_listeners(app), and for an App or"
            f" AsyncApp of slack_bolt; found {_found(module)}. An app that is made under"
            f' `if __name__ == "__main__":` is named {self.module}:__main__, and one that a function without arguments'
            f" returns {self.module}:FUNCTION"
        )

    def _function_or_app(
        self, module: ModuleType, name: str, function: Callable[..., Any], app: App | AsyncApp | None
    ) -> Brought:
        """Returns the app where the module has called the function with it, else the function.

        Slack's templates import `register_listeners`, call it, and add listeners, middleware and options of their own
        to the app. Raises ListenersError where only the main block brings all of that together.
        """
        source = Source(module)
        imported = getattr(function, "__module__", None) != module.__name__
        has_more = app is not None and has_own_parts(app)
        if imported and (source.called_in_main & APPS or (has_more and name in source.called_in_main)):
            raise ListenersError(
                f'an app is made or completed under `if __name__ == "__main__":`, and {name} is imported: name the app,'
                f" with all that the block adds, as {self.module}:__main__, or only the function as"
                f" {self.module}:{name}"
            )
        if app is not None and has_more and (imported or name in source.called_at_import):
            return app
        return function

    def _named(self, module: ModuleType, name: str) -> Brought:
        try:
            found: Any = attrgetter(name)(module)  # of an object in the module too: bot.app
        except AttributeError:
            raise ListenersError(f"the module has no {name!r}; found {_found(module)}") from None
        if isinstance(found, App | AsyncApp) or (callable(found) and not isinstance(found, type)):
            return found
        raise ListenersError(f"{name!r} is {_kind(found)}: it has to be an App, an AsyncApp, or a function of the app")


def targets(listeners: str) -> list[Target]:
    """Splits LISTENERS into its values, in their order.

    Raises ListenersError for a value that is empty, a file, or has a colon without a name.
    """
    found = []
    for part in listeners.split(","):
        module, colon, attribute = part.strip().partition(":")
        if module.endswith(".py") or "/" in module:
            as_module = module.removesuffix(".py").strip("./").replace("/", ".")
            raise ListenersError(f"{module} is a file: a module is named without .py, as in {as_module}")
        if not module or (colon and not attribute):
            raise ListenersError(f"{part.strip()!r} names no module: write module or module:attribute")
        name, *arguments = shlex.split(attribute) if attribute.startswith(f"{MAIN} ") else [attribute]
        found.append(Target(module, name or None, tuple(arguments)))
    return found


def _apps(module: ModuleType) -> dict[str, App | AsyncApp]:
    """The apps of a module by name, each once; only the one that is named `app`, if there is one.

    An app that only a handler of one of Bolt's adapters has is named by it: `handler.app`.
    """
    found = {name: value for name, value in vars(module).items() if isinstance(value, App | AsyncApp)}
    for name, value in vars(module).items():
        app = getattr(value, APP, None) if type(value).__module__.startswith(_ADAPTERS) else None
        if isinstance(app, App | AsyncApp) and app not in found.values():
            found[f"{name}.{APP}"] = app
    if APP in found:
        return {APP: found[APP]}
    once = {id(value): name for name, value in found.items()}
    return {name: found[name] for name in once.values()}


def _found(module: ModuleType) -> str:
    """Lists what a module holds of its own, for a message."""
    own = [
        f"{name} ({_kind(value)})"
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    return ", ".join(own[:15]) or "nothing"


def _kind(value: object) -> str:
    if isinstance(value, type):
        return "a class"
    return "a function" if callable(value) and hasattr(value, "__code__") else f"of type {type(value).__name__}"
