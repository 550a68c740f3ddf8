"""Bolt's `AsyncApp`, whose listeners run as parts of a Run: what the server and `anchorbolt.testing` have in common.

Everything with a leading underscore is Bolt's own and may move in a new Bolt: this package holds all of it, and
tests/unit/bolt/test_hooks.py fails with a clear sentence when one is gone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.lazy_listener.asyncio_runner import AsyncioLazyListenerRunner
from slack_bolt.listener.async_listener_completion_handler import AsyncDefaultListenerCompletionHandler
from slack_bolt.listener.async_listener_error_handler import AsyncDefaultListenerErrorHandler
from slack_bolt.listener.async_listener_start_handler import AsyncDefaultListenerStartHandler
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt import unawaited
from anchorbolt.bolt.error_handler import ErrorHandler, Failure, MiddlewareErrorHandler
from anchorbolt.bolt.index import DISPATCHED, ListenerIndex
from anchorbolt.bolt.listener_runner import ListenerRunner
from anchorbolt.bolt.run import RUN, Ack, Run
from anchorbolt.bolt.without_body import keep_bodies_out


class TrackedApp(AsyncApp):
    """An `AsyncApp` with our listener runner, our index of listeners and our error handlers.

    A request reaches its `async_dispatch` with the values of `context_for` in its context.
    """

    def __init__(self, *, failure: Failure, **options: Any) -> None:
        """`failure`: what is answered where a listener raised, or did not acknowledge. `options`: AsyncApp's own."""
        super().__init__(**options)
        unawaited.watch()
        logger = self._framework_logger
        keep_bodies_out(logger)
        self.error_handler = ErrorHandler(logger, failure)
        self._async_listener_runner = ListenerRunner(
            self.error_handler,
            logger=logger,
            process_before_response=self.process_before_response,
            listener_error_handler=AsyncDefaultListenerErrorHandler(logger=logger),
            listener_start_handler=AsyncDefaultListenerStartHandler(logger=logger),
            listener_completion_handler=AsyncDefaultListenerCompletionHandler(logger=logger),
            lazy_listener_runner=AsyncioLazyListenerRunner(logger=logger),
        )
        self.index = ListenerIndex()
        self._async_listeners = self.index
        self._async_middleware_error_handler = MiddlewareErrorHandler(self.error_handler, _run_of)

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Dispatches a request through Bolt's middleware and the listeners that may match it."""
        token = DISPATCHED.set(req)
        try:
            return await super().async_dispatch(req)
        finally:
            DISPATCHED.reset(token)
            run: Run = req.context[RUN]
            if (error := run.calls.take_not_awaited()) is not None:  # a middleware or a matcher made it
                run.fail(error)

    def error(self, func: Callable[..., Awaitable[BoltResponse | None]]) -> Callable[..., Awaitable[Any]]:
        """Bolt's `@app.error`: a handler that returns a response, or changes the one it is given, handles the error.

        It is called once for a delivery, when its failure is final (docs/decisions/0073).
        """
        super().error(func)  # checks that it is a coroutine function
        self.error_handler.set(func)
        self._async_middleware_error_handler = MiddlewareErrorHandler(self.error_handler, _run_of)
        return func

    def _handle_unmatched_requests(self, req: AsyncBoltRequest, resp: BoltResponse) -> BoltResponse:
        run: Run = req.context[RUN]
        run.unmatched = True
        return super()._handle_unmatched_requests(req, resp)


def context_for(run: Run) -> dict[str, Any]:
    """Returns what the context of a request must hold while it is dispatched for a run."""
    return {RUN: run, "delivery": run.attempt, "ack": Ack()}


def _run_of(request: AsyncBoltRequest) -> Run:
    run: Run = request.context[RUN]
    return run
