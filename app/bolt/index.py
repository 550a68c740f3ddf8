"""The app's listeners, found by the name that a request holds instead of asked one by one.

Bolt asks every listener's matcher in turn, and builds all arguments of a listener for each: 286 us with one listener,
5,331 us with 200. Here a request's names choose candidates, in the order of registration, and Bolt's own matchers still
decide. A listener whose constraint is no plain string is always a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, SupportsIndex

from slack_bolt.listener.async_listener import AsyncCustomListener, AsyncListener
from slack_bolt.listener_matcher import builtins
from slack_bolt.listener_matcher.async_builtins import AsyncBuiltinListenerMatcher
from slack_bolt.listener_matcher.async_listener_matcher import AsyncListenerMatcher
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.middleware.attaching_conversation_kwargs.async_attaching_conversation_kwargs import (
    AsyncAttachingConversationKwargs,
)
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from app.bolt.arguments import Listener
from app.bolt.conversation_arguments import ConversationArguments

# The body of the request that this task dispatches; while it is set, a walk over the listeners meets candidates only.
asked: ContextVar[Mapping[str, Any] | None] = ContextVar("asked", default=None)


class DirectMatcher(AsyncListenerMatcher):
    """One of Bolt's matchers that wants nothing but the body, called without a listener's arguments being built."""

    def __init__(self, matcher: AsyncBuiltinListenerMatcher) -> None:
        self.func: Callable[..., Any] = matcher.func

    async def async_matches(self, req: AsyncBoltRequest, resp: BoltResponse) -> bool:
        """Bolt's own hook."""
        return bool(await self.func(req.body))


class ListenerIndex(list[AsyncListener]):
    """Takes the place of Bolt's list of listeners: appended to and walked over as that is."""

    def __init__(self) -> None:
        super().__init__()
        self._named: dict[str, list[int]] = {}
        self._always: list[int] = []

    def append(self, listener: AsyncListener, /) -> None:
        """Files a listener under the name that its first matcher wants."""
        if type(listener) is AsyncCustomListener:
            listener.__class__ = Listener  # the same object, that Bolt has just built from thirteen arguments
        listener.matchers = [_direct(matcher) for matcher in listener.matchers]
        listener.middleware = [_short(middleware) for middleware in listener.middleware]
        name = name_wanted(listener.matchers[0])
        (self._always if name is None else self._named.setdefault(name, [])).append(len(self))
        super().append(listener)

    def insert(self, index: SupportsIndex, listener: AsyncListener, /) -> None:
        """Positions are the order of registration: nothing may move them."""
        raise NotImplementedError("Bolt 1.30 only appends listeners")

    def __iter__(self) -> Iterator[AsyncListener]:
        body = asked.get()
        if body is None:
            return super().__iter__()
        found = {at for name in names_in(body) for at in self._named.get(name, ())}
        found.update(self._always)
        return iter([self[at] for at in sorted(found)])


def names_in(body: Mapping[str, Any]) -> set[str]:
    """Every value of a request that a plain constraint is compared with, wherever the kind of request has it."""
    event, view, actions = body.get("event"), body.get("view"), body.get("actions")
    found: list[Any] = [body.get("command"), body.get("callback_id"), body.get("action_id")]
    if isinstance(event, Mapping):
        found += [event.get("type"), event.get("callback_id")]
        function = event.get("function")
        if isinstance(function, Mapping):
            found.append(function.get("callback_id"))
    if isinstance(view, Mapping):
        found.append(view.get("callback_id"))
    if isinstance(actions, list) and actions and isinstance(actions[0], Mapping):
        found.append(actions[0].get("action_id"))
    return {name for name in found if isinstance(name, str)}


def name_wanted(matcher: AsyncListenerMatcher) -> str | None:
    """The one string without which the matcher says no; None when it may match without any."""
    if not isinstance(matcher, DirectMatcher):
        return None
    # Bolt compares in a closure: what it compares with is read from there, so that it cannot be mistaken.
    compare: Any = _free(matcher.func).get("func")
    if getattr(compare, "__module__", None) != builtins.__name__:
        return None
    free, kind = _free(compare), compare.__qualname__.partition(".")[0]
    wanted = next((free[name] for name in ("event_type", "command", "callback_id", "action_id") if name in free), None)
    constraints = free.get("constraints")
    if wanted is None and isinstance(constraints, dict):
        wanted = constraints.get({"event": "type", "message_event": "type", "block_action": "action_id"}.get(kind))
    elif wanted is None:
        wanted = constraints
    return wanted if isinstance(wanted, str) else None


def _direct(matcher: AsyncListenerMatcher) -> AsyncListenerMatcher:
    if type(matcher) is AsyncBuiltinListenerMatcher and matcher.arg_names == ["body"]:
        return DirectMatcher(matcher)
    return matcher


def _short(middleware: AsyncMiddleware) -> AsyncMiddleware:
    if isinstance(middleware, AsyncAttachingConversationKwargs):
        return ConversationArguments(middleware.thread_context_store)
    return middleware


def _free(function: Any) -> dict[str, Any]:
    """The variables that a function took from around it."""
    cells = getattr(function, "__closure__", None) or ()
    return (
        dict(zip(function.__code__.co_freevars, (cell.cell_contents for cell in cells), strict=True)) if cells else {}
    )
