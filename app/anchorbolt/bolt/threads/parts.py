"""Asynchronous listeners, matchers, middleware and authorization that call a synchronous function in a thread."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.context.say_stream import SayStream
from slack_bolt.context.set_status import SetStatus
from slack_bolt.listener_matcher.async_listener_matcher import AsyncListenerMatcher
from slack_bolt.logger import get_bolt_logger
from slack_bolt.middleware import AttachingConversationKwargs, Middleware
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_bolt.util.utils import get_arg_names_of_callable, is_callable_coroutine
from slack_sdk.errors import SlackApiError

from anchorbolt.bolt import swallowed
from anchorbolt.bolt.conversation_arguments import attached
from anchorbolt.bolt.listener import Listener
from anchorbolt.bolt.names import short_name
from anchorbolt.bolt.run import RUN
from anchorbolt.bolt.threads.threads import threads_of
from anchorbolt.bolt.threads.view import View, view_of
from anchorbolt.errors import NotAuthorizedError

Next = Callable[[], Awaitable[BoltResponse]]


class ThreadListener(Listener):
    """A listener whose function, or whose lazy functions, may be synchronous."""

    def __init__(self, *, logger: logging.Logger, **parts: Any) -> None:
        """`parts`: the arguments of Bolt's own listener; `logger`: what it gives to its function."""
        self.app_name: str = parts["app_name"]
        self.ack_function: Callable[..., Awaitable[Any]] = parts["ack_function"]
        self.lazy_functions: Sequence[Callable[..., Awaitable[None]]] = parts["lazy_functions"]
        self.matchers: Sequence[AsyncListenerMatcher] = parts["matchers"]
        self.middleware: Sequence[AsyncMiddleware] = parts["middleware"]
        self.auto_acknowledgement: bool = parts["auto_acknowledgement"]
        self.ack_timeout: int = parts["ack_timeout"]
        self.arg_names = get_arg_names_of_callable(self.ack_function)
        self._is_asynchronous = is_callable_coroutine(self.ack_function)
        self.logger = logger
        self.qualified_name = short_name(self.ack_function)

    async def run_ack_function(self, *, request: AsyncBoltRequest, response: BoltResponse) -> Any:
        """Runs a synchronous listener in a thread, an asynchronous one here, and returns what it returned.

        `response` is the one that Bolt has made so far. Raises what the listener raises.
        """
        if self._is_asynchronous:
            return await super().run_ack_function(request=request, response=response)
        threads = threads_of(request.context)
        return await threads.call(self.ack_function, self.arg_names, request, response, self.logger)


class ThreadMatcher(AsyncListenerMatcher):
    """A matcher of a team's: a function, or the method `matches` of an object."""

    def __init__(self, function: Callable[..., bool], logger: logging.Logger | None) -> None:
        self.func = function
        self.arg_names = get_arg_names_of_callable(function)
        self.logger = logger or get_bolt_logger(function)

    async def async_matches(self, req: AsyncBoltRequest, resp: BoltResponse) -> bool:
        """Asks a synchronous matcher in a thread whether it takes a request. Raises what it raises."""
        threads = threads_of(req.context)
        return bool(await threads.call(self.func, self.arg_names, req, resp, self.logger))


class ThreadMiddleware(AsyncMiddleware):
    """A middleware of a team's. Its `next()` only notes that it was called, as in Bolt."""

    def __init__(self, middleware: Middleware) -> None:
        self._middleware = middleware

    @property
    def name(self) -> str:
        """As Bolt names it in its logs."""
        return self._middleware.name

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Next,  # noqa: A002 - Bolt passes it by this name
    ) -> BoltResponse | None:
        """Runs a synchronous middleware in a thread, and then `next`, if the middleware has called its own `next`.

        Returns what the middleware returned. Raises what it, or whatever runs in `next`, raises.
        """
        called = False

        def next_called() -> BoltResponse:
            nonlocal called
            called = True
            return resp

        def process(view: View) -> BoltResponse | None:
            return self._middleware.process(req=view.request(req), resp=resp, next=next_called)

        response = await threads_of(req.context).run(process, req.context)
        if called:
            await next()
        return response


class SynchronousUtilities(AsyncMiddleware):
    """Attaches `set_status`, `say_stream` and the like to the synchronous context. Calls nothing: needs no thread."""

    def __init__(self, middleware: AttachingConversationKwargs) -> None:
        self._middleware = middleware

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Next,  # noqa: A002 - Bolt passes it by this name
    ) -> BoltResponse | None:
        """Attaches Bolt's synchronous arguments for conversations to a request, then runs `next`."""
        view = view_of(req.context, threads_of(req.context))
        of = view.request(req)
        if not attached(of, SetStatus, SayStream):
            self._middleware.process(req=of, resp=resp, next=lambda: resp)
        return await next()


class ThreadAuthorize(AsyncAuthorize):
    """Authorizes by a function or a store of a team's.

    An answer of Slack's that says no is an error of the run, and so is what keeps a store from telling whether the app
    is installed. Where it is not, no listener runs.
    """

    def __init__(self, authorize: Any, *, is_asynchronous: bool) -> None:
        """`authorize`: Bolt's object around the function or the store."""
        self._authorize = authorize
        self._is_asynchronous = is_asynchronous
        swallowed.watch_stores()

    async def __call__(self, *, context: AsyncBoltContext, **of: Any) -> AuthorizeResult | None:
        """Bolt's own hook. Raises NotAuthorizedError."""
        answer: AuthorizeResult | None
        context[RUN].one_of_many = True
        try:
            with swallowed.noting() as errors:
                answer = await self._ask(context, of)
        except SlackApiError as error:
            raise NotAuthorizedError("the app's authorize function was refused by Slack") from error
        if answer is None:
            if (hidden := swallowed.first_that_may_pass(errors)) is not None:
                raise NotAuthorizedError("the app's store cannot tell whether the app is installed") from hidden
            context[RUN].no_listener_runs = "not_installed"
        return answer

    async def _ask(self, context: AsyncBoltContext, of: dict[str, Any]) -> AuthorizeResult | None:
        answer: AuthorizeResult | None
        if self._is_asynchronous:
            with swallowed.errors_of(context.client):
                answer = await self._authorize(context=context, **of)
            return answer

        def in_thread(view: View) -> Any:
            with swallowed.errors_of(view.context.client):
                return self._authorize(context=view.context, **of)

        return await threads_of(context).run(in_thread, context)
