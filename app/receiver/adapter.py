"""Bolt's own FastAPI adapter: how a request that was read already reaches Bolt, and its answer becomes ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from starlette.requests import Request
from starlette.types import Message

from app.bolt.app import BoltApp
from app.bolt.listener_runner import RUN
from app.bolt.run import Run
from app.receiver.answer import Answer, from_response


class Adapter:
    """Asks Bolt for the answer to an HTTP request."""

    def __init__(self, bolt: BoltApp) -> None:
        self._handler = AsyncSlackRequestHandler(bolt)

    def question(self, query: bytes) -> Callable[[Run], Awaitable[Answer]]:
        """What Interactions asks, once it has made a Run for it.

        Without body and headers: Bolt's request is made from the delivery (bolt/app.py), and what the adapter would
        parse again takes a tenth of the whole time of a command.
        """

        async def ask(run: Run) -> Answer:
            request = Request({"type": "http", "method": "POST", "query_string": query, "headers": []}, _no_body)
            return from_response(await self._handler.handle(request, {RUN: run}))

        return ask


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
