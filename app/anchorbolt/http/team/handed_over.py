"""Requests that a team's route hands to its Bolt app: they take the way of those that come to /slack/events.

Many apps have Bolt behind several routes (`/slack/commands`, `/slack/interactive`). Each of them calls Bolt's handler
for its framework, and that calls `App.dispatch` or `AsyncApp.async_dispatch`. Without this the listeners would run in
the team's own app, and nothing would be stored.
"""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.asgi.builtin import SlackRequestHandler as AsgiHandler
from slack_bolt.adapter.asgi.http_request import AsgiHttpRequest
from slack_bolt.adapter.starlette.handler import SlackRequestHandler as StarletteHandler
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request import BoltRequest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from starlette.requests import Request
from starlette.responses import Response

from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.run import Run
from anchorbolt.delivery.headers import request_id
from anchorbolt.errors import RefusedError
from anchorbolt.http.limits.body import check_head
from anchorbolt.http.responses import checked, refusal
from anchorbolt.http.signature import Signature
from anchorbolt.http.slack_route import response_to
from anchorbolt.intake.intake import Intake, Received
from anchorbolt.intake.sighting import Sighting
from anchorbolt.telemetry import traces


class HandedOver:
    """Answers what a team's routes hand to a Bolt app."""

    def __init__(self, intake: Intake, signature: Signature, bolt: BoltApp, *, max_body_bytes: int) -> None:
        """Must be called in the event loop that serves. `bolt`: our app, with the listeners of all of LISTENERS."""
        self._intake = intake
        self._signature = signature
        self._bolt = bolt
        self._max_body_bytes = max_body_bytes
        self._loop = asyncio.get_running_loop()

    async def answer(self, request: BoltRequest | AsyncBoltRequest) -> BoltResponse:
        """Verifies the request, has it stored or run, and returns the answer. Called in any event loop."""
        if asyncio.get_running_loop() is self._loop:
            return await self._answer(request)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._answer(request), self._loop))

    def answer_in_thread(self, request: BoltRequest) -> BoltResponse:
        """The same for a synchronous route. Raises RuntimeError on the event loop, which it would block for ever."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(self._answer(request), self._loop).result()
        raise RuntimeError(
            "App.dispatch() is called on the event loop and would block it: make the route a `def` route, or call"
            " Bolt's handler for FastAPI"
        )

    async def _answer(self, request: BoltRequest | AsyncBoltRequest) -> BoltResponse:
        try:
            return _of_bolt(response_to(await self._intake.answer(_HandedRequest(request, self))))
        except RefusedError as error:
            return _of_bolt(refusal(error))

    def read(self, request: BoltRequest | AsyncBoltRequest) -> Received:
        """Verifies a request whose body was read by the team's framework. Raises RefusedError."""
        headers = {
            name.encode("latin-1", "replace"): str(values[0]).encode("latin-1", "replace")
            for name, values in request.headers.items()
            if values
        }
        content_type = check_head({"method": "POST"}, headers, self._max_body_bytes)
        timestamp, signature = self._signature.check_headers(headers)
        body = request.raw_body.encode("utf-8", "surrogateescape")
        self._signature.verify(body, timestamp, signature)
        return Received(body, content_type, headers, request_id(headers))

    async def ask_bolt(self, run: Run) -> Response:
        """Has Bolt answer a request in a `run`, and returns the response."""
        return checked(to_starlette_response(await self._bolt.answer(run)))


class _HandedRequest:
    """Such a request, as intake takes it."""

    way = traces.HTTP

    def __init__(self, request: BoltRequest | AsyncBoltRequest, handed_over: HandedOver) -> None:
        self._request = request
        self._handed_over = handed_over

    async def read(self, sighting: Sighting, deadline: float) -> Received:
        received = self._handed_over.read(self._request)
        sighting.mark("verified")
        return received

    async def ask_bolt(self, run: Run) -> Response:
        return await self._handed_over.ask_bolt(run)


def take_over(handed_over: HandedOver) -> None:
    """From now on, `handed_over` answers in this process what the apps of a team's are given to dispatch."""
    dispatch_async = AsyncApp.async_dispatch
    handle_by_starlette = StarletteHandler.handle

    def async_dispatch(app: AsyncApp, req: AsyncBoltRequest) -> Any:
        return dispatch_async(app, req) if isinstance(app, BoltApp) else handed_over.answer(req)

    def dispatch(app: App, req: BoltRequest) -> BoltResponse:
        return handed_over.answer_in_thread(req)

    # Bolt's own handlers of these two call App.dispatch on the event loop.
    async def handle(handler: StarletteHandler, req: Request, addition_context_properties: Any = None) -> Response:
        if req.method == "POST":
            return to_starlette_response(await handed_over.answer(to_bolt_request(req, await req.body())))
        return await handle_by_starlette(handler, req, addition_context_properties)

    async def dispatch_by_asgi(handler: AsgiHandler, request: AsgiHttpRequest) -> BoltResponse:
        return await handed_over.answer(BoltRequest(body=await request.get_raw_body(), headers=request.get_headers()))

    replacements: list[tuple[Any, str, Any]] = [
        (AsyncApp, "async_dispatch", async_dispatch),
        (App, "dispatch", dispatch),
        (StarletteHandler, "handle", handle),
        (AsgiHandler, "dispatch", dispatch_by_asgi),
    ]
    for owner, name, instead in replacements:
        setattr(owner, name, instead)


def _of_bolt(response: Response) -> BoltResponse:
    return BoltResponse(
        status=response.status_code, body=bytes(response.body).decode(), headers=dict(response.headers.items())
    )
