"""The synchronous side of a request: Bolt's synchronous request, context and utilities, beside the asynchronous."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.context.context import BoltContext
from slack_bolt.request import BoltRequest
from slack_bolt.request.async_request import AsyncBoltRequest

from anchorbolt.bolt.run import RUN
from anchorbolt.bolt.threads.ack import ThreadAck
from anchorbolt.bolt.threads.client import ThreadClient
from anchorbolt.bolt.threads.respond import ThreadRespond

Result = TypeVar("Result")

# The key of the view in the context of its request; a lazy function's copy of a request gets a view of its own.
VIEW = "anchorbolt_view"

# What the two sides have each of their own kind.
_UTILITIES = frozenset({
    "client", "ack", "say", "respond", "complete", "fail", "set_status", "set_title", "set_suggested_prompts",
    "say_stream", "get_thread_context", "save_thread_context", "listener_runner", VIEW,
})  # fmt: skip


class View:
    """What synchronous functions of one dispatch are given.

    One function after the other uses it: what one of them puts into the context is seen by all that follow, in threads
    or not.
    """

    def __init__(self, context: AsyncBoltContext, client: ThreadClient) -> None:
        # What a listener put into the context before its ack is there for its lazy functions, which follow the ack.
        ack = ThreadAck(context.ack, context[RUN].calls, lambda: self.give(context))
        self.context = BoltContext({"client": client, "ack": ack})
        if context.response_url is not None and context.respond is not None:
            self.context["respond"] = ThreadRespond(context.respond)
        self._client = client
        self._token = client.token
        self._request: BoltRequest | None = None
        self._variables: dict[contextvars.ContextVar[Any], Any] = {}

    def take(self, context: AsyncBoltContext) -> None:
        """Takes over what the asynchronous side holds now."""
        for name, value in context.items():
            if name not in _UTILITIES:
                self.context[name] = value
        token = context.client.token
        if token != self._token:  # the authorization, or the token of a custom step
            self._token = self._client.token = token

    def give(self, context: AsyncBoltContext) -> None:
        """Hands over what synchronous functions have put into the context."""
        for name, value in self.context.items():
            if name not in _UTILITIES and context.get(name) is not value:
                context[name] = value

    def call(self, function: Callable[[View], Result]) -> Result:
        """Calls a function in its thread, with the context variables that the functions before it have set.

        In Bolt one thread runs all middleware and matchers of a request, so that each sees what another one has set.
        """
        for variable, value in self._variables.items():
            variable.set(value)
        before = contextvars.copy_context()
        try:
            return function(self)
        finally:
            for variable, value in contextvars.copy_context().items():
                if variable not in before or before[variable] is not value:
                    self._variables[variable] = value

    def request(self, of: AsyncBoltRequest) -> BoltRequest:
        """Returns Bolt's synchronous request, whose context is that of this view."""
        if self._request is None:
            self._request = request = BoltRequest.__new__(BoltRequest)
            request.raw_body, request.query, request.headers = of.raw_body, of.query, of.headers
            request.content_type, request.mode = of.content_type, of.mode
            request.lazy_only, request.lazy_function_name = False, None
            request.context = self.context
        self._request.body = of.body
        return self._request


class Clients(Protocol):
    """Interface that a view needs from the threads of the process."""

    def client_for(self, context: AsyncBoltContext) -> ThreadClient:
        """Makes the client of one request."""


def view_of(context: AsyncBoltContext, clients: Clients) -> View:
    """Returns the view of a request, up to date; makes it with the first call."""
    view: Any = context.get(VIEW)
    if view is None:
        view = context[VIEW] = View(context, clients.client_for(context))
    view.take(context)
    return view  # type: ignore[no-any-return] # a context holds values of any type
