"""aiohttp's connector, which notes the connections of each run, and in which plain calls leave theirs to each other.

A plain call is a small POST of JSON without a proxy (prepared.py).
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

from anchorbolt.bolt.web_api.calls import CALLS
from anchorbolt.bolt.web_api.kept import Kept, is_clean
from anchorbolt.timers import Timer, call_later

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class Protocol(ResponseHandler):
    """aiohttp's protocol, which resumes only what is paused: aiohttp asks for that at the end of each answer."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp's own hook."""
        if resume_parser or self._reading_paused:
            super().resume_reading(resume_parser)


class Connector(aiohttp.TCPConnector):
    """Gives no connection to a run that was cut short: neither to a call's first request, nor to one sent again.

    Plain calls leave their connections to each other. aiohttp counts these as in use, so it gets them back as soon as
    it is asked for a connection, and at its limit none is left.
    """

    def __init__(self, *, limit: int, keepalive_timeout: float, **options: Any) -> None:
        """Takes what aiohttp's takes. `keepalive_timeout`: a connection that is idle for longer (seconds) is closed."""
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout, **options)
        make: type[ResponseHandler] = Protocol
        self._factory = functools.partial(make, loop=self._loop)
        self._idle_seconds = keepalive_timeout
        self._left: list[Kept] = []
        self._idle_timer: Timer | None = None

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """aiohttp's own hook: returns a connection that is used by one request."""
        self._give_back()
        calls = CALLS.get()
        if calls is None:
            return await self._connect(req, traces, timeout)
        if not calls.cut:
            connection = await self._connect(req, traces, timeout)
            if not calls.cut:
                calls.uses(connection)
                return connection
            connection.release()  # nothing was sent over it
        raise asyncio.CancelledError("nothing is sent: its run was cut short")

    async def _connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if is_clean(cast("ResponseHandler", connection.protocol)):
                return connection
            connection.close()  # an old one, over which somebody sent what nobody had asked for

    def take(self, key: ConnectionKey) -> Kept | None:
        """Returns a connection that a plain call has left, ready for the next one. None: `connect` has to be asked.

        `key`: the request's connection_key.
        """
        calls = CALLS.get()
        while self._left and self._left[-1].key == key and (calls is None or not calls.cut):
            kept = self._left.pop()
            if kept.take(self._idle_seconds):
                if calls is not None:
                    calls.connections.add(kept.connection)
                return kept
            kept.connection.close()
        return None

    def leave(self, kept: Kept) -> None:
        """Takes the connection of a plain call whose answer was read. It keeps it for the next one, if it may."""
        if not kept.leave():
            kept.connection.close()
        elif self._waiters or len(self._acquired) >= self.limit or self._closed:
            kept.connection.release()
        else:
            if (calls := CALLS.get()) is not None:
                calls.connections.discard(kept.connection)
            self._left.append(kept)
            if self._idle_timer is None:
                self._idle_timer = call_later(self._idle_seconds, self._close_idle)

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Closes all connections, as aiohttp does."""
        self._give_back()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        await super().close(abort_ssl=abort_ssl)

    def _give_back(self) -> None:
        while self._left:
            kept = self._left.pop()
            kept.connection.release()
            if (pooled := self._conns.get(kept.key)) and pooled[-1][0] is kept.protocol:
                pooled[-1] = (kept.protocol, kept.left_at)  # idle since then: to aiohttp, it is only from now on

    def _close_idle(self) -> None:
        idle, self._left = self._left, []
        for kept in idle:
            if kept.is_idle(self._idle_seconds):
                kept.connection.close()
            else:
                self._left.append(kept)
        self._idle_timer = call_later(self._idle_seconds, self._close_idle) if self._left else None
