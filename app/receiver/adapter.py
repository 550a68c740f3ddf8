"""Bolt's own FastAPI adapter: how a request that was read already reaches Bolt, and its answer becomes a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

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

    def question(self, scope: Scope, raw: bytes) -> Callable[[Run], Awaitable[Response]]:
        """What Interactions asks, once it has made a Run for it."""

        async def ask(run: Run) -> Response:
            return await self._handler.handle(Request(scope, _receive(raw)), {RUN: run})

        return ask


def _receive(raw: bytes) -> Callable[[], Awaitable[Message]]:
    """The body once more, for an adapter that reads it itself."""

    async def receive() -> Any:
        return {"type": "http.request", "body": raw, "more_body": False}

    return receive
