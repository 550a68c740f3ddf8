"""The values of LISTENERS: `module`, `module:attribute` or `module:__main__`, several of them separated by commas."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from types import ModuleType
from typing import Any

from slack_bolt import App
from slack_bolt.async_app import AsyncApp

from anchorbolt.errors import ListenersError

# The names that are looked for when LISTENERS names a module only.
FUNCTIONS = ("register", "register_listeners")
APP = "app"

Brought = App | AsyncApp | Callable[[AsyncApp], Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One value of LISTENERS."""

    module: str
    attribute: str | None

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}" if self.attribute else self.module

    def find(self, module: ModuleType) -> Brought:
        """Returns what this value names in its imported module. Raises ListenersError, which says what was found."""
        if self.attribute is not None:
            return self._named(module, self.attribute)
        for name in FUNCTIONS:
            if callable(found := getattr(module, name, None)):
                self._require_whole(module, name, found)
                return found  # type: ignore[no-any-return] # a function of a team's may have any type
        if isinstance(found := getattr(module, APP, None), App | AsyncApp):
            return found
        apps = {id(value): name for name, value in vars(module).items() if isinstance(value, App | AsyncApp)}
        if len(apps) == 1:
            return self._named(module, next(iter(apps.values())))
        if apps:
            names = ", ".join(sorted(apps.values()))
            raise ListenersError(f"the module has several apps ({names}): name one of them, as in {self.module}:NAME")
        raise ListenersError(
            "the module has no app: looked for a function register(app) or register_listeners(app), and for an App or"
            f" AsyncApp of slack_bolt; found {_found(module)}. An app that is made under"
            f' `if __name__ == "__main__":` is named {self.module}:__main__'
        )

    def _require_whole(self, module: ModuleType, name: str, function: Callable[..., Any]) -> None:
        """Raises ListenersError if a function that was only imported would stand for an app of the main block."""
        if getattr(function, "__module__", None) != module.__name__ and _makes_app_in_main(module):
            raise ListenersError(
                f'an app is made under `if __name__ == "__main__":`, and {name} is imported: name the app, with all'
                f" that the block adds, as {self.module}:__main__, or only the function as {self.module}:{name}"
            )

    def _named(self, module: ModuleType, name: str) -> Brought:
        try:
            found: Any = attrgetter(name)(module)  # of an object in the module too: bot.app
        except AttributeError:
            raise ListenersError(f"the module has no {name!r}; found {_found(module)}") from None
        if isinstance(found, App | AsyncApp) or (callable(found) and not isinstance(found, type)):
            return found
        raise ListenersError(f"{name!r} is {_kind(found)}: it has to be an App, an AsyncApp, or a function of the app")


def targets(listeners: str) -> list[Target]:
    """Reads LISTENERS. Raises ListenersError."""
    found = []
    for part in listeners.split(","):
        module, colon, attribute = part.strip().partition(":")
        if module.endswith(".py") or "/" in module:
            as_module = module.removesuffix(".py").strip("./").replace("/", ".")
            raise ListenersError(f"{module} is a file: a module is named without .py, as in {as_module}")
        if not module or (colon and not attribute):
            raise ListenersError(f"{part.strip()!r} names no module: write module or module:attribute")
        found.append(Target(module, attribute or None))
    return found


def _makes_app_in_main(module: ModuleType) -> bool:
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError):  # without a source
        return False
    blocks = [one for one in tree.body if isinstance(one, ast.If) and "__main__" in ast.dump(one.test)]
    calls = [one.func for block in blocks for one in ast.walk(block) if isinstance(one, ast.Call)]
    return any(isinstance(one, ast.Name) and one.id in ("App", "AsyncApp") for one in calls)


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
