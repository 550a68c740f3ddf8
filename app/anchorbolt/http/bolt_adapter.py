"""Hands a request to Bolt by Bolt's own FastAPI adapter, and takes the response from it."""

from __future__ import annotations

from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.run import RUN, Run
from anchorbolt.http.responses import checked


class BoltAdapter:
    """Asks Bolt for the response to an HTTP request."""

    def __init__(self, bolt: BoltApp) -> None:
        self._handler = AsyncSlackRequestHandler(bolt)

    async def answer(self, scope: Scope, body: bytes, run: Run) -> Response:
        """Returns Bolt's response. `scope` and `body` are those of the request, `run` is its dispatch.

        The adapter reads the body of the request again: it was read before, to verify its signature.
        """
        request = Request(scope, _replay(body))
        # Where Starlette keeps a body that was read: it then asks for no message. Were it elsewhere, it would ask.
        request._body = body
        return checked(await self._handler.handle(request, {RUN: run}))


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
