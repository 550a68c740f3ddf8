"""Bolt's listener, with what Bolt finds out for every request found out once, at registration."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from slack_bolt.listener.async_listener import AsyncCustomListener
from slack_bolt.listener_matcher.async_builtins import AsyncBuiltinListenerMatcher
from slack_bolt.listener_matcher.async_listener_matcher import AsyncListenerMatcher
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.middleware.attaching_conversation_kwargs.async_attaching_conversation_kwargs import (
    AsyncAttachingConversationKwargs,
)
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt.conversation_arguments import ConversationArguments
from anchorbolt.bolt.names import short_name
from anchorbolt.bolt.own_table import give_own_table
from anchorbolt.bolt.run import RUN, Run


class DirectMatcher(AsyncListenerMatcher):
    """One of Bolt's matchers that needs only the body: calls its comparison directly, without coroutines."""

    def __init__(self, compare: Callable[[dict[str, Any]], bool]) -> None:
        self.compare = compare

    async def async_matches(self, req: AsyncBoltRequest, resp: BoltResponse) -> bool:
        """Returns whether the body of a request is one that this listener is for."""
        return self.compare(req.body)


class Listener(AsyncCustomListener):
    """A listener with its name in logs and traces."""

    qualified_name: str

    def takes(self, req: AsyncBoltRequest) -> bool | None:
        """Returns whether it runs for a request. None: something has to be awaited for that, and nothing is done yet.

        Most listeners have Bolt's own matchers, and no middleware but the one that Bolt gives to each one of events.
        """
        for matcher in self.matchers:
            if type(matcher) is not DirectMatcher:
                return None
            if not matcher.compare(req.body):
                return False
        if not self.middleware:
            return True
        first = self.middleware[0] if len(self.middleware) == 1 else None
        return True if type(first) is ConversationArguments and first.attach(req) else None

    async def run_async_middleware(
        self, *, req: AsyncBoltRequest, resp: BoltResponse
    ) -> tuple[BoltResponse | None, bool]:
        """Bolt's own hook. Notes that this listener matched, and that its middleware did not let it run."""
        answer, passed_over = await super().run_async_middleware(req=req, resp=resp)
        if passed_over and answer is None:
            run: Run = req.context[RUN]
            run.passed_over = self.qualified_name
        return answer, passed_over


def prepare(listener: AsyncCustomListener) -> Listener:
    """Turns a listener that Bolt has just built into ours. Changes the object, because Bolt took thirteen arguments."""
    listener.__class__ = Listener
    mine = cast("Listener", listener)
    mine.qualified_name = short_name(listener.ack_function)
    mine.matchers = [direct(matcher) for matcher in listener.matchers]
    mine.middleware = [_short(middleware) for middleware in listener.middleware]
    give_own_table(mine)
    return mine


def free_variables(function: Any) -> dict[str, Any]:
    """Returns the variables of a closure, by name."""
    cells = getattr(function, "__closure__", None) or ()
    return (
        dict(zip(function.__code__.co_freevars, (cell.cell_contents for cell in cells), strict=True)) if cells else {}
    )


def direct(matcher: AsyncListenerMatcher) -> AsyncListenerMatcher:
    """Returns a matcher of Bolt's own that calls its comparison without coroutines; any other one as it is."""
    if type(matcher) is AsyncBuiltinListenerMatcher and matcher.arg_names == ["body"]:
        compare = free_variables(matcher.func).get("func")  # what Bolt's build_listener_matcher wraps in a coroutine
        if callable(compare) and not inspect.iscoroutinefunction(compare):
            return DirectMatcher(compare)
    return matcher


def _short(middleware: AsyncMiddleware) -> AsyncMiddleware:
    if type(middleware) is AsyncAttachingConversationKwargs:
        return ConversationArguments(middleware.thread_context_store)
    return middleware
