"""Hands an answer that was received already to slack_sdk's own loop, which decides about it and may ask again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp

Received = aiohttp.ClientResponse | Exception


class FirstReceived:
    """A session for slack_sdk whose first answer has been received already. Further requests go out."""

    closed = False

    def __init__(self, received: Received, session: aiohttp.ClientSession) -> None:
        self._received: Received | None = received
        self._session = session

    def request(self, verb: str, url: str, **arguments: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Returns what aiohttp's `request` returns."""
        received, self._received = self._received, None
        return self._session.request(verb, url, **arguments) if received is None else _given(received)


@asynccontextmanager
async def _given(received: Received) -> AsyncIterator[aiohttp.ClientResponse]:
    if isinstance(received, Exception):
        raise received
    yield received  # its body was read, so its connection is free already
