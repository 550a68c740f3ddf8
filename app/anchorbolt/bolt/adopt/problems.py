"""Collects what is wrong with the listeners of a team, so that all of it is told at once and not one thing a start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt.util.utils import get_name_for_callable

from anchorbolt.errors import ListenersError


class Problems:
    """The messages of the ListenersErrors that were raised, in their order."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._cause: BaseException | None = None

    @contextmanager
    def collected(self, before: str = "") -> Iterator[None]:
        """Keeps a ListenersError that is raised in the block; `before` is put before each of its messages."""
        try:
            yield
        except ListenersError as error:
            self._found += [f"{before}{problem}" for problem in error.problems]
            self._cause = self._cause or error.__cause__

    def tell(self) -> None:
        """Raises one ListenersError for all of them, if there are any."""
        if self._found:
            raise ListenersError(*self._found) from self._cause


def place_of(function: Callable[..., Any]) -> str:
    """Returns `name (file:line)` of a function of a team's."""
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    name = get_name_for_callable(function)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
