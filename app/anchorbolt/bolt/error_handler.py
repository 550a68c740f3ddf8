"""Calls the error handler of the app (`@app.error`), and finds out whether it handled the error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from logging import Logger
from typing import Literal

from slack_bolt.kwargs_injection.async_utils import build_async_required_kwargs
from slack_bolt.listener.async_listener_error_handler import AsyncListenerErrorHandler
from slack_bolt.middleware.async_middleware_error_handler import AsyncMiddlewareErrorHandler
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_bolt.util.utils import get_arg_names_of_callable

from anchorbolt.bolt.raised import log_raised
from anchorbolt.bolt.run import RUN, Run
from anchorbolt.delivery.log_fields import failure_fields
from anchorbolt.errors import ENDS_THE_PROCESS, as_exception

Handler = Callable[..., Awaitable[BoltResponse | None]]

Word = Literal["listener_failed", "no_ack", "ack_timeout"]
Failure = Callable[[Word], BoltResponse]  # what is answered where nothing acknowledged


class ErrorHandler:
    """The app's error handler, or none."""

    def __init__(self, logger: Logger, failure: Failure) -> None:
        """`failure`: what is answered where the app's handler does not answer. The handler is given its status."""
        self._logger = logger
        self.failure = failure
        self._handler: Handler | None = None

    def set(self, handler: Handler) -> None:
        """Takes the function that `@app.error` decorates; the last one counts, as in Bolt."""
        self._handler = handler

    async def conclude(self, run: Run) -> None:
        """Calls the app's handler for a run whose failure is final, unless it was called for it before.

        A handler that handles the error takes it from the run. What a handler raises is the run's error from then on.
        """
        if run.error is None or run.error_handler_called or run.request is None:
            return
        run.error_handler_called = True
        try:
            if await self.answer(run.error, run.request) is not None:
                run.error = None
        except (asyncio.CancelledError, *ENDS_THE_PROCESS):
            raise
        except BaseException as another:
            log_raised("error handler raised", another, listener=run.listener, **failure_fields(run.delivery))
            run.error = as_exception(another)

    async def answer(self, error: Exception, request: AsyncBoltRequest) -> BoltResponse | None:
        """Returns the response that the handler returned or changed, which makes the error a handled one; else None."""
        if self._handler is None:
            return None
        status = self.failure("listener_failed").status
        given, untouched = BoltResponse(status=status, body=""), BoltResponse(status=status, body="")
        arguments = build_async_required_kwargs(
            required_arg_names=get_arg_names_of_callable(self._handler),
            logger=self._logger,
            error=error,
            request=request,
            response=given,
            next_keys_required=False,
        )
        answer = await self._handler(**arguments)
        if isinstance(answer, BoltResponse):
            return answer
        return given if vars(given) != vars(untouched) else None


class UnhandledRequest(AsyncListenerErrorHandler):
    """Hands to the app's error handler what no listener is there for. It is an error of nobody's: the run is done."""

    def __init__(self, error_handler: ErrorHandler) -> None:
        self._error_handler = error_handler

    async def handle(self, error: Exception, request: AsyncBoltRequest, response: BoltResponse | None) -> None:
        """Bolt's own hook; it answers with `response` as we leave it."""
        request.context[RUN].unmatched = True
        answer = await self._error_handler.answer(error, request)
        if answer is not None:
            _answer_with(answer, response)


class MiddlewareErrorHandler(AsyncMiddlewareErrorHandler):
    """The same for what is raised before a listener: in a middleware, a matcher, or the authorization."""

    def __init__(self, error_handler: ErrorHandler) -> None:
        self._error_handler = error_handler

    async def handle(self, error: Exception, request: AsyncBoltRequest, response: BoltResponse | None) -> None:
        """Bolt's own hook; it answers with `response` as we leave it."""
        run: Run = request.context[RUN]
        log_raised("middleware raised", error, attempt=run.attempt.attempt, **failure_fields(run.delivery))
        run.request = request
        answer = None
        if run.ack_by is not None or run.fails_for_good:  # somebody waits for the answer, so it is final
            run.error_handler_called = True
            try:
                answer = await self._error_handler.answer(error, request)
            except Exception as another:  # whatever the app's error handler raises
                error = another
        if answer is None:
            run.fail(error)
            run.reason = "listener_failed"
            answer = self._error_handler.failure("listener_failed")
        _answer_with(answer, response)


def _answer_with(answer: BoltResponse, response: BoltResponse | None) -> None:
    """Changes the response that Bolt is going to send into this answer."""
    if response is not None:
        response.status, response.headers, response.body = answer.status, answer.headers, answer.body
