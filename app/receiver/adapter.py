"""Bolt's own FastAPI adapter: how a request that was read already reaches Bolt, and its answer becomes a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from app.bolt.app import BoltApp
from app.bolt.listener_runner import RUN
from app.bolt.run import Run


class Adapter:
    """Asks Bolt for the response to an HTTP request."""

    def __init__(self, bolt: BoltApp) -> None:
        self._handler = AsyncSlackRequestHandler(bolt)

    def question(self, scope: Scope) -> Callable[[Run], Awaitable[Response]]:
        """What Interactions asks, once it has made a Run for it.

        Without body and headers: Bolt's request is made from the delivery (bolt/app.py), and what the adapter would
        parse again takes a tenth of the whole time of a command.
        """

        async def ask(run: Run) -> Response:
            return await self._handler.handle(Request({**scope, "headers": []}, _no_body), {RUN: run})

        return ask


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
