"""Loses a connection instead of answering, as a network does."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_SECONDS = 60.0
_TRANSPORT = "anchorbolt.transport"


class LosableProtocol(HttpToolsProtocol):
    """uvicorn's protocol that lets the app reach its connection: ASGI has no way to end one without an answer."""

    def on_message_begin(self) -> None:
        """Keeps the connection's transport for whoever answers; called by the parser when a request begins."""
        super().on_message_begin()
        self.scope[_TRANSPORT] = self.transport  # type: ignore[literal-required]  # a key of our own


async def lose_connection(scope: Scope, receive: Receive, *, at_once: bool) -> None:
    """Closes the connection of a request without an answer. `scope` and `receive` are those of ASGI.

    `at_once`: now; otherwise when the caller has given up, or after a minute.
    """
    try:
        async with asyncio.timeout(0 if at_once else LONGEST_SECONDS):
            await _disconnected(receive)
    except TimeoutError:
        scope[_TRANSPORT].abort()
        await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
