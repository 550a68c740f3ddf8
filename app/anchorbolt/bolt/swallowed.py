"""Errors that Bolt swallows when it authorizes by an app's own store, noted before it does.

Bolt then says that the app is not installed, and answers 200: when Slack is busy, when the store is away, when a
refresh of tokens did not come through. The delivery would be lost (docs/decisions/0095).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from slack_bolt.authorization.async_authorize import AsyncInstallationStoreAuthorize
from slack_bolt.authorization.authorize import InstallationStoreAuthorize
from slack_sdk.errors import SlackApiError, SlackTokenRotationError

from anchorbolt.bolt import slack_error

_noted: ContextVar[list[Exception] | None] = ContextVar("noted", default=None)


def watch_stores() -> None:
    """From now on the errors of stores, and of refreshes of tokens, are noted wherever Bolt authorizes by them.

    Also where a function of a team's calls Bolt's object, which nobody else knows. A second call changes nothing.
    """
    for by_store in (InstallationStoreAuthorize, AsyncInstallationStoreAuthorize):
        if not hasattr(by_store.__call__, "__wrapped__"):
            by_store.__call__ = _watching_parts(by_store.__call__)  # type: ignore[method-assign]


def _watching_parts(authorize: Callable[..., Any]) -> Callable[..., Any]:
    def watch(by_store: Any) -> None:
        for name in ("installation_store", "token_rotator"):
            part = getattr(by_store, name, None)
            if part is not None and not isinstance(part, Watched):
                setattr(by_store, name, Watched(part))

    @functools.wraps(authorize)
    async def awaits(self: Any, **of: Any) -> Any:
        watch(self)
        return await authorize(self, **of)

    @functools.wraps(authorize)
    def calls(self: Any, **of: Any) -> Any:
        watch(self)
        return authorize(self, **of)

    return awaits if inspect.iscoroutinefunction(authorize) else calls


class Watched:
    """Stands in for an object that Bolt calls: what its methods raise is noted, and raised."""

    def __init__(self, of: Any) -> None:
        self._of = of

    def __getattr__(self, name: str) -> Any:
        """Returns an attribute of that object; a method so that its errors are noted."""
        found = getattr(self._of, name)
        return watched(found) if callable(found) else found


def watched(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the same function, whose errors are noted."""

    async def awaits(*arguments: Any, **by_name: Any) -> Any:
        with _noting():
            return await function(*arguments, **by_name)

    def calls(*arguments: Any, **by_name: Any) -> Any:
        with _noting():
            return function(*arguments, **by_name)

    return awaits if inspect.iscoroutinefunction(function) else calls


@contextmanager
def errors_of(client: Any) -> Iterator[None]:
    """Notes the errors of the one call that Bolt makes with the client of a request, which is that request's alone."""
    client.auth_test = watched(client.auth_test)
    try:
        yield
    finally:
        del client.auth_test


@contextmanager
def noting() -> Iterator[list[Exception]]:
    """Returns the list of what is noted meanwhile, in this task and in the threads that it waits for."""
    found: list[Exception] = []
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


def first_that_may_pass(errors: list[Exception]) -> Exception | None:
    """Returns the first error that says nothing of whether the app is installed: not Slack's word for a token."""
    for error in errors:
        slacks: BaseException = error
        if isinstance(error, SlackTokenRotationError):
            slacks = error.api_error
        if not isinstance(slacks, SlackApiError) or slack_error.is_transient(slacks):
            return error
    return None


@contextmanager
def _noting() -> Iterator[None]:
    try:
        yield
    except NotImplementedError:  # how a store says that it has no such method: Bolt asks another
        raise
    except Exception as error:
        if (noted := _noted.get()) is not None:
            noted.append(error)
        raise
