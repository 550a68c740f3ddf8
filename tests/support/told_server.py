"""A server of ours in this process, on a socket, before an application that answers when a test tells it to."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anchorbolt.http.limits.body import BODY_IS_WHOLE
from anchorbolt.http.limits.idle import HttpConnection
from anchorbolt.http.limits.unverified import UnverifiedBodies
from anchorbolt.http.server import Server
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.support.waiting import until
from tests.support.wire import HEAD, Wire


def request(body: bytes, *fields: bytes) -> bytes:
    """A request, of which only the body matters: 'now' is answered at once, all else when it is told."""
    lines = b"".join(field + b"\r\n" for field in fields)
    return HEAD + lines + b"content-length: %d\r\n\r\n" % len(body) + body


class ToldApplication:
    """Answers each request with its own body."""

    def __init__(self) -> None:
        self.bodies = UnverifiedBodies(1_000_000)
        self.begun: list[str] = []
        self.ended: list[str] = []
        self._told: dict[str, asyncio.Event] = {}
        self.extra_bytes = 0  # how much longer each answer is

    def tell(self, body: str) -> None:
        """The request with this body is to be answered."""
        self._event(body).set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers once it is told to."""
        read_by = asyncio.get_running_loop().time() + 30
        body = (await self.bodies.read(receive, read_by, is_whole=BODY_IS_WHOLE in scope)).decode()
        self.begun.append(body)
        if body != "now":
            await self._event(body).wait()
        self.ended.append(body)
        await Response(json.dumps({"for": body, "more": "x" * self.extra_bytes}))(scope, receive, send)

    def _event(self, body: str) -> asyncio.Event:
        return self._told.setdefault(body, asyncio.Event())


class ToldServer:
    """The server."""

    def __init__(self, finish_seconds: float, head_seconds: float, max_connections: int) -> None:
        self.application = ToldApplication()
        sock = socket.create_server(("127.0.0.1", 0))
        self.port: int = sock.getsockname()[1]
        self.server = Server(
            self.application,
            [sock],
            finish_seconds=finish_seconds,
            head_seconds=head_seconds,
            max_connections=max_connections,
        )
        self._is_stopped = False

    async def connect(self) -> Wire:
        """Opens one more connection."""
        return await Wire.to_port(self.port)

    @property
    def connection(self) -> HttpConnection:
        """The server's end of the only connection."""
        (found,) = self.server.server_state.connections
        assert isinstance(found, HttpConnection)
        return found

    async def stop(self) -> None:
        """Ends the server, once."""
        if not self._is_stopped:
            self._is_stopped = True
            await self.server.stop()

    async def until_begun(self, body: str) -> None:
        """Waits until a request is being answered."""
        await until(lambda: body in self.application.begun, what=f"{body} has begun")

    async def until_at_rest(self) -> None:
        """Waits until no connection and no task is left."""
        state = self.server.server_state
        await until(lambda: not state.connections and not state.tasks, what="nothing is left")


@asynccontextmanager
async def told_server(
    finish_seconds: float = 30, head_seconds: float = 3, max_connections: int = 1_000
) -> AsyncIterator[ToldServer]:
    """Runs until the end of the test."""
    running = ToldServer(finish_seconds, head_seconds, max_connections)
    await running.server.start()
    yield running
    await running.stop()
