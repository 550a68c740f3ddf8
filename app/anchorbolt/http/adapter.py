"""Bolt's own FastAPI adapter: how a request that was read already reaches Bolt, and its answer becomes ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import cast

from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from starlette.datastructures import QueryParams
from starlette.requests import Request

from anchorbolt.bolt.app import BoltApp
from anchorbolt.bolt.listener_runner import RUN
from anchorbolt.bolt.run import Run
from anchorbolt.http.answer import Answer, from_response

NOTHING: Mapping[str, str] = MappingProxyType({})


class Adapter:
    """Asks Bolt for the answer to an HTTP request."""

    def __init__(self, bolt: BoltApp) -> None:
        self._handler = AsyncSlackRequestHandler(bolt)

    def question(self, query: bytes) -> Callable[[Run], Awaitable[Answer]]:
        """What Interactions asks, once it has made a Run for it."""
        asked = cast("Request", Asked(QueryParams(query) if query else NOTHING))

        async def ask(run: Run) -> Answer:
            return from_response(await self._handler.handle(asked, {RUN: run}))

        return ask


class Asked:
    """What the adapter takes of a request of Starlette's, which there is none of.

    Without body and headers: Bolt's request is made from the delivery (bolt/app.py), and what the adapter would parse
    again takes a tenth of the whole time of a command.
    """

    method = "POST"
    headers = NOTHING

    def __init__(self, query_params: Mapping[str, str]) -> None:
        self.query_params = query_params

    async def body(self) -> bytes:
        """None of it."""
        return b""
