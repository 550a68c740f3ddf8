"""Bolt's `AsyncApp`, whose listeners run as parts of a Run: what the server and `anchorbolt.testing` have in common.

Everything with a leading underscore is Bolt's own and may move in a new Bolt: this package holds all of it, and
tests/unit/bolt/test_hooks.py fails with a clear sentence when one is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slack_bolt.lazy_listener.asyncio_runner import AsyncioLazyListenerRunner
from slack_bolt.listener.async_listener_completion_handler import AsyncDefaultListenerCompletionHandler
from slack_bolt.listener.async_listener_error_handler import AsyncDefaultListenerErrorHandler
from slack_bolt.listener.async_listener_start_handler import AsyncDefaultListenerStartHandler
from slack_bolt.listener_matcher.async_listener_matcher import AsyncListenerMatcher
from slack_bolt.middleware import CustomMiddleware, Middleware
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_bolt.util.utils import is_callable_coroutine

from anchorbolt.bolt import unawaited
from anchorbolt.bolt.adopt.problems import place_of
from anchorbolt.bolt.error_handler import ErrorHandler, Failure, MiddlewareErrorHandler
from anchorbolt.bolt.index import DISPATCHED, ListenerIndex
from anchorbolt.bolt.listener_runner import ListenerRunner
from anchorbolt.bolt.run import RUN, Ack, Run
from anchorbolt.bolt.threads import adapt
from anchorbolt.bolt.threads.threads import Threads
from anchorbolt.bolt.walk import WalkedApp
from anchorbolt.bolt.without_body import keep_bodies_out
from anchorbolt.errors import ListenersError
from anchorbolt.settings.team import hidden


class TrackedApp(WalkedApp):
    """An `AsyncApp` with our listener runner, our index of listeners and our error handlers.

    A request reaches its `dispatch_tracked` with the values of `context_for` in its context.
    """

    def __init__(self, *, failure: Failure, sync_threads: int = 40, **options: Any) -> None:
        """`failure`: what is answered where a listener raised, or did not acknowledge. `options`: AsyncApp's own.

        `sync_threads`: how many threads run synchronous functions, at most.
        """
        with hidden("SLACK_CLIENT_ID"):  # with it Bolt turns to OAuth, whatever the options are
            super().__init__(**options)
        unawaited.watch()
        logger = self._framework_logger
        self.threads = Threads(sync_threads)
        self._refused: list[str] = []
        keep_bodies_out(logger)
        self.error_handler = ErrorHandler(logger, failure)
        self._async_listener_runner = ListenerRunner(
            self.error_handler,
            self.threads,
            logger=logger,
            process_before_response=self.process_before_response,
            listener_error_handler=AsyncDefaultListenerErrorHandler(logger=logger),
            listener_start_handler=AsyncDefaultListenerStartHandler(logger=logger),
            listener_completion_handler=AsyncDefaultListenerCompletionHandler(logger=logger),
            lazy_listener_runner=AsyncioLazyListenerRunner(logger=logger),
        )
        self.index = ListenerIndex()
        self._async_listeners = self.index
        self._async_middleware_error_handler = MiddlewareErrorHandler(self.error_handler)

    async def dispatch_tracked(self, req: AsyncBoltRequest) -> BoltResponse:
        """Dispatches a request that has its Run, through Bolt's middleware and the listeners that may match it."""
        token = DISPATCHED.set(req)
        try:
            return await self.walk(req)
        finally:
            DISPATCHED.reset(token)
            run: Run = req.context[RUN]
            if (error := run.calls.take_not_awaited()) is not None:  # a middleware or a matcher made it
                run.fail(error)

    def take_refused(self) -> list[str]:
        """Returns what is wrong with listeners that were registered since the last call, with file and line."""
        refused, self._refused = self._refused, []
        return refused

    def error(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Bolt's `@app.error`: a handler that returns a response, or changes the one it is given, handles the error.

        It is called once for a delivery, when its failure is final (docs/decisions/0073).
        """
        self.error_handler.set(adapt.error_handler(func))
        return func

    def middleware(self, *args: Any) -> Callable[..., Any] | None:
        """Bolt's `@app.middleware`, for synchronous middleware too."""
        if not args:
            return None
        given = args[0]
        if isinstance(given, Middleware | AsyncMiddleware):
            super().middleware(adapt.middleware(given))
            return None
        if is_callable_coroutine(given):
            super().middleware(given)
        else:
            made = CustomMiddleware(app_name=self.name, func=given, base_logger=self._base_logger)
            super().middleware(adapt.middleware(made))
        return given  # type: ignore[no-any-return] # Bolt's own has no annotations

    def _register_listener(  # noqa: PLR0917 - Bolt's own signature
        self,
        functions: Sequence[Callable[..., Any]],
        primary_matcher: AsyncListenerMatcher,
        matchers: Sequence[Callable[..., Any]] | None,
        middleware: Sequence[Callable[..., Any] | AsyncMiddleware] | None,
        auto_acknowledgement: bool = False,
        ack_timeout: int = 3,
    ) -> Callable[..., Any] | None:
        """Bolt's own hook, for synchronous functions too."""
        mixed = [*functions, *(matchers or ()), *(middleware or ())]
        if all(isinstance(one, AsyncMiddleware) or is_callable_coroutine(one) for one in mixed):
            return super()._register_listener(
                functions, primary_matcher, matchers, middleware, auto_acknowledgement, ack_timeout
            )
        functions = list(functions)
        try:
            self._async_listeners.append(
                adapt.functions(
                    self.name,
                    functions,
                    [primary_matcher, *(matchers or ())],
                    middleware or (),
                    auto_acknowledgement=auto_acknowledgement,
                    ack_timeout=ack_timeout,
                    base_logger=self._base_logger,
                )
            )
        except ListenersError as error:  # told together with what else is refused, and not one a start
            self._refused.append(f"{place_of(functions[0])}: {error}")
        return functions[0] if len(functions) == 1 else None

    def _handle_unmatched_requests(self, req: AsyncBoltRequest, resp: BoltResponse) -> BoltResponse:
        run: Run = req.context[RUN]
        run.unmatched = True
        return super()._handle_unmatched_requests(req, resp)


def context_for(run: Run) -> dict[str, Any]:
    """Returns what the context of a request must hold while it is dispatched for a run."""
    return {RUN: run, "delivery": run.attempt, "ack": Ack()}
