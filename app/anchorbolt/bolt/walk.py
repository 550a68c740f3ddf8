"""The way of a request through an app: its middleware, then the first listener that matches.

It is Bolt's own `async_dispatch` with plain calls where nothing has to be awaited, and without the debug lines that it
makes for nobody (docs/decisions/0113). Where those or its BoltUnhandledRequestError are wanted, Bolt walks.
tests/unit/testing/test_same_as_stock.py sends the same requests through both.

Like Bolt, it passes None where Bolt's annotations want a response or an id: hence each `type: ignore[arg-type]`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.logger.messages import warning_unhandled_by_global_middleware
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.middleware.attaching_function_token.async_attaching_function_token import AsyncAttachingFunctionToken
from slack_bolt.middleware.ignoring_self_events.async_ignoring_self_events import AsyncIgnoringSelfEvents
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_bolt.util.utils import get_name_for_callable

from anchorbolt.bolt.authorization import Authorization
from anchorbolt.bolt.index import ListenerIndex
from anchorbolt.bolt.listener import Listener


class WalkedApp(AsyncApp):
    """An `AsyncApp` whose listeners are in an index, with a short way for a request to the one that it is for."""

    index: ListenerIndex

    async def walk(self, req: AsyncBoltRequest) -> BoltResponse:
        """Dispatches a request through the middleware and the listeners that may match it, and returns the response."""
        if self._framework_logger.level <= logging.DEBUG or self._raise_error_for_unhandled_request:
            return await AsyncApp.async_dispatch(self, req)
        self._init_context(req)
        try:
            return await self._to_a_listener(req)
        except Exception as error:
            response = BoltResponse(status=500, body="")
            await self._async_middleware_error_handler.handle(error=error, request=req, response=response)
            return response

    async def _to_a_listener(self, req: AsyncBoltRequest) -> BoltResponse:
        response, stopped_by = await self._through_middleware(req)
        if stopped_by is not None:
            if response is None:
                self._framework_logger.warning(warning_unhandled_by_global_middleware(stopped_by.name, req))
                return BoltResponse(status=404, body={"error": "no next() calls in middleware"})
            return response
        for listener in self.index.candidates(req.body):
            takes = listener.takes(req) if type(listener) is Listener else None
            if takes is None:
                if not await listener.async_matches(req=req, resp=response):  # type: ignore[arg-type]
                    continue
                answer, stopped = await listener.run_async_middleware(req=req, resp=response)  # type: ignore[arg-type]
                if stopped and answer is not None:
                    return answer
                takes = not stopped
                response = answer or response
            if not takes:
                continue
            name = get_name_for_callable(listener.ack_function)
            answer = await self._async_listener_runner.run(req, response, name, listener)  # type: ignore[arg-type]
            if answer is not None:
                return answer
        if response is None:
            response = BoltResponse(status=404, body={"error": "unhandled request"})
        return self._handle_unmatched_requests(req, response)

    async def _through_middleware(self, req: AsyncBoltRequest) -> tuple[BoltResponse | None, AsyncMiddleware | None]:
        """Returns the last response, and the middleware that did not let the request go on."""
        middlewares = self._async_middleware_list
        response: BoltResponse | None = None
        if not middlewares or type(middlewares[0]) is not Authorization:  # which looks at no response
            response = BoltResponse(status=200, body="")
        for middleware in middlewares:
            passes = PASSES.get(type(middleware))
            if passes is not None and passes(middleware, req):
                response = None
                continue
            response, goes_on = await _ask(middleware, req, response)
            if not goes_on:
                return response, middleware
        return response, None


async def _ask(
    middleware: AsyncMiddleware, req: AsyncBoltRequest, response: BoltResponse | None
) -> tuple[BoltResponse | None, bool]:
    """Returns what a middleware returns, and whether it let the request go on."""
    goes_on = False

    async def go_on() -> None:
        nonlocal goes_on
        goes_on = True

    response = await middleware.async_process(req=req, resp=response, next=go_on)  # type: ignore[arg-type]
    return response, goes_on


def _is_somebody_elses(middleware: AsyncIgnoringSelfEvents, req: AsyncBoltRequest) -> bool:
    authorized, user_id = req.context.get("authorize_result"), req.context.get("user_id")
    bot_id = req.body.get("event", {}).get("bot_id")
    return not middleware._is_self_event(authorized, user_id, bot_id, req.body)  # type: ignore[arg-type]


def _is_no_step(_: AsyncAttachingFunctionToken, req: AsyncBoltRequest) -> bool:
    return "function_bot_access_token" not in req.context


# For middleware that mostly has nothing to wait for: what tells whether it lets a request pass. True: all that its
# `async_process` does before `next()` is done. False: nothing is done, and its `async_process` has to be awaited.
PASSES: dict[type[AsyncMiddleware], Callable[[Any, AsyncBoltRequest], bool]] = {
    Authorization: Authorization.passes,
    AsyncIgnoringSelfEvents: _is_somebody_elses,
    AsyncAttachingFunctionToken: _is_no_step,
}
