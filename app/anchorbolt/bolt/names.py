"""The names of listeners in logs, traces and metrics: module and function, as a person calls them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol


class Named(Protocol):
    """What is given a name."""

    qualified_name: str


class Names:
    """Gives each function a name of its own, which depends only on the code and on the order of registration.

    So a name is the same in every pod and after every restart, and there are never more names than listeners.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, list[tuple[Any, list[Named]]]] = {}

    def give(self, listener: Named, function: Callable[..., Any]) -> None:
        """Sets `qualified_name` of a listener that runs `function`.

        It is `module.function`. Where different functions have that name, each has its line too, `module.function:12`,
        also the one that was named before. Functions from one line, such as those that a loop makes, have a number
        from the second on: `module.function:12#2`.
        """
        plain = unwrapped(function)
        functions = self._by_name.setdefault(short_name(plain), [])
        of_function = next((listeners for known, listeners in functions if _is_same(known, plain)), None)
        if of_function is None:
            functions.append((plain, [listener]))
            self._name_all(functions)
        else:  # one function, registered for several things
            listener.qualified_name = of_function[0].qualified_name
            of_function.append(listener)

    @staticmethod
    def _name_all(functions: list[tuple[Any, list[Named]]]) -> None:
        taken: dict[str, int] = {}
        for function, listeners in functions:
            name = short_name(function)
            if len(functions) > 1:
                name = f"{name}:{_line(function)}"
                taken[name] = taken.get(name, 0) + 1
                if taken[name] > 1:
                    name = f"{name}#{taken[name]}"
            for listener in listeners:
                listener.qualified_name = name


def unwrapped(function: Callable[..., Any]) -> Any:
    """Returns the function that a user wrote, without its decorators and without the arguments of a partial."""
    while True:
        inner = inspect.unwrap(function)
        if not isinstance(inner, functools.partial):
            return inner
        function = inner.func


def short_name(function: Callable[..., Any]) -> str:
    """Returns module and name of a function, without the functions that it is written in: `module.Class.method`."""
    plain = unwrapped(function)
    if not hasattr(plain, "__qualname__"):  # an object that can be called
        plain = type(plain)
    module = getattr(plain, "__module__", "?")
    if module == "__main__":  # of LISTENERS=module:__main__, whose module has its own name again
        module = getattr(plain, "__globals__", {}).get("__name__", module)
    return f"{module}.{plain.__qualname__.rpartition('<locals>.')[2]}"


def _line(function: Any) -> int:
    if not hasattr(function, "__code__") and not hasattr(function, "__func__"):
        function = getattr(type(function), "__call__", function)  # noqa: B004 - the code, not whether it can be called
    code = getattr(function, "__code__", None)
    return code.co_firstlineno if code is not None else 0


def _is_same(one: Any, other: Any) -> bool:
    # Two bound methods of one object are two objects. Other classes may compare in ways of their own.
    return one is other or (inspect.ismethod(one) and inspect.ismethod(other) and one == other)
