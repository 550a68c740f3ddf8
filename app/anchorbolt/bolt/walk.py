"""The way of a request through an app: its middleware, then the first listener that matches.

As Bolt's own `async_dispatch`, whose walk took a twentieth of an event: it asks every middleware and every matcher
through coroutines, and makes debug lines that nobody reads (docs/decisions/0063). Where Bolt's debug lines are wanted,
or its BoltUnhandledRequestError, Bolt walks. tests/unit/bolt/test_walk.py walks both ways with the same requests.
"""

from __future__ import annotations

import logging

from slack_bolt.async_app import AsyncApp
from slack_bolt.logger.messages import warning_unhandled_by_global_middleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_bolt.util.utils import get_name_for_callable

from anchorbolt.bolt.at_once import through
from anchorbolt.bolt.index import ListenerIndex


class WalkedApp(AsyncApp):
    """An `AsyncApp` with an index of its listeners."""

    _async_listeners: ListenerIndex

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Bolt's own entry."""
        if self._framework_logger.isEnabledFor(logging.DEBUG) or self._raise_error_for_unhandled_request:
            return await super().async_dispatch(req)
        self._init_context(req)
        try:
            return await self._walk(req)
        except Exception as error:
            response = BoltResponse(status=500, body="")
            await self._async_middleware_error_handler.handle(error=error, request=req, response=response)
            return response

    async def _walk(self, req: AsyncBoltRequest) -> BoltResponse:
        # None, as after every middleware of Bolt's own that goes on: the first of them looks at no response.
        response, stopped_by = await through(self._async_middleware_list, req, None)
        if stopped_by is not None:
            if response is None:
                self._framework_logger.warning(warning_unhandled_by_global_middleware(stopped_by.name, req))
                return BoltResponse(status=404, body={"error": "no next() calls in middleware"})
            return response

        for listener in self._async_listeners.candidates(req.body):
            if not await listener.async_matches(req=req, resp=response):  # type: ignore[arg-type]
                continue
            answer, stopped = await listener.run_async_middleware(req=req, resp=response)  # type: ignore[arg-type]
            if stopped:
                if answer is not None:
                    return answer
                continue  # the listener is not for this request
            if answer is not None:
                response = answer
            name = get_name_for_callable(listener.ack_function)
            answer = await self._async_listener_runner.run(
                request=req,
                response=response,  # type: ignore[arg-type]
                listener_name=name,
                listener=listener,
            )
            if answer is not None:
                return answer
        if response is None:
            response = BoltResponse(status=404, body={"error": "unhandled request"})
        return self._handle_unmatched_requests(req, response)
