"""aiohttp's connector, which tells the calls of a run over which connections they go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from anchorbolt.bolt.web_api.calls import CALLS

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class Connector(aiohttp.TCPConnector):
    """Gives no connection to a run that was cut short: neither to a call's first request, nor to one sent again."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """aiohttp's own hook: returns a connection that is used by one request."""
        calls = CALLS.get()
        if calls is None:
            return await super().connect(req, traces, timeout)
        if not calls.cut:
            connection = await super().connect(req, traces, timeout)
            if not calls.cut:
                calls.uses(connection)
                return connection
            connection.release()  # nothing was sent over it
        raise asyncio.CancelledError("nothing is sent: its run was cut short")
