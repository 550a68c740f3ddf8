"""aiohttp's connector, which tells the calls of a run over which connections they go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from anchorbolt.bolt.web_api.calls import CALLS

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

_NO_LIMIT = aiohttp.ClientTimeout(total=None)
_NO_TRACES: list[Trace] = []


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

    async def connect_to(self, key: ConnectionKey, req: aiohttp.ClientRequest) -> Connection:
        """Returns a connection that is used by one request without a proxy. `key`: the request's connection_key.

        It does what `connect` does, and takes less time where a connection is free.
        """
        calls = CALLS.get()
        if (calls is None or not calls.cut) and (free := await self._get(key, _NO_TRACES)) is not None:
            if calls is not None:  # still not cut: without traces `_get` waits for nothing
                calls.uses(free)
            return free
        return await self.connect(req, _NO_TRACES, _NO_LIMIT)
