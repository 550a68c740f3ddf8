"""A connection that is only ever turned away: how long it lives."""

from __future__ import annotations

import asyncio

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.errors import RefusedError
from app.lifecycle.connection import Connection, Loop
from tests.support.wire import HEAD

REQUEST = HEAD + b"content-length: 2\r\n\r\n{}"


class Transport(asyncio.Transport):
    """What a connection writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[object] = []
        self.closed = False

    def write(self, data: object) -> None:
        """One answer."""
        self.written.append(data)

    def close(self) -> None:
        """For good."""
        self.closed = True

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self.closed


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that is never asked."""


async def test_the_time_of_an_idle_connection_counts_from_the_last_refusal() -> None:
    """1. It is made; 2. and 60 s later turned away; 3. 75 s are over: it stays; 4. 75 s after the refusal: it goes."""
    config = uvicorn.Config(_nothing, lifespan="off", ws="none", log_config=None, timeout_keep_alive=75)
    config.load()
    loop = Loop(asyncio.get_running_loop())
    now = 1000.0
    loop.time = lambda: now
    connection = Connection(
        head_seconds=3,
        turns_away=lambda: RefusedError(503, "overloaded"),
        config=config,
        server_state=ServerState(),
        app_state={},
        _loop=loop,
    )
    transport = Transport()
    connection.connection_made(transport)

    now = 1060.0
    connection.data_received(REQUEST)
    assert len(transport.written) == 1

    now = 1075.0
    connection.timeout_keep_alive_handler()
    assert not transport.closed

    now = 1136.0
    connection.timeout_keep_alive_handler()
    assert transport.closed
    connection.connection_lost(None)
