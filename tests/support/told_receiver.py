"""A server of ours in this process, on a socket, before a receiver that answers when a test tells it to."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anchorbolt.errors import RefusedError
from anchorbolt.http.answer import Answer, answer, send_answer
from anchorbolt.http.request import Request, Streamed, Whole
from anchorbolt.http.server import Server
from starlette.types import Receive, Scope, Send

from tests.support.waiting import until
from tests.support.wire import HEAD, Wire


def request(body: bytes, *fields: bytes) -> bytes:
    """A request, of which only the body matters: 'now' is answered at once, all else when it is told."""
    lines = b"".join(field + b"\r\n" for field in fields)
    return HEAD + lines + b"content-length: %d\r\n\r\n" % len(body) + body


class ToldReceiver:
    """Answers each request with its own body, and remembers which way it came."""

    def __init__(self) -> None:
        self.ways: list[str] = []
        self.begun: list[str] = []
        self.ended: list[str] = []
        self._told: dict[str, asyncio.Event] = {}
        self.answer_bytes = 0  # how much longer than that each answer is
        self.closes = False

    def turns_away(self) -> RefusedError | None:
        """There is always a place."""
        return None

    def tell(self, body: str) -> None:
        """The request with this body is to be answered."""
        self._event(body).set()

    async def answer(self, request: Request) -> Answer:
        """Once it is told to."""
        self.ways.append("express" if isinstance(request, Whole) else "asgi")
        body = (await request.body(1_000_000, asyncio.get_running_loop().time() + 30)).decode()
        self.begun.append(body)
        if body == "raise":
            raise ZeroDivisionError
        if body != "now":
            await self._event(body).wait()
        self.ended.append(body)
        return answer(200, json.dumps({"for": body, "more": "x" * self.answer_bytes}).encode(), closes=self.closes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same over ASGI."""
        await send_answer(send, await self.answer(Streamed(scope, receive)))

    def _event(self, body: str) -> asyncio.Event:
        return self._told.setdefault(body, asyncio.Event())


class ToldServer:
    """The server."""

    def __init__(self, finish_seconds: float) -> None:
        self.receiver = ToldReceiver()
        sock = socket.create_server(("127.0.0.1", 0))
        self.port: int = sock.getsockname()[1]
        self.server = Server(
            self.receiver, [sock], finish_seconds=finish_seconds, head_seconds=3, receiver=self.receiver
        )
        self._is_stopped = False

    async def connect(self) -> Wire:
        """One more connection."""
        return await Wire.to_port(self.port)

    async def stop(self) -> None:
        """The server's end, once."""
        if not self._is_stopped:
            self._is_stopped = True
            await self.server.stop()

    async def until_begun(self, body: str) -> None:
        """Waits until a request is being answered."""
        await until(lambda: body in self.receiver.begun, what=f"{body} has begun")

    async def until_at_rest(self) -> None:
        """Waits until no connection and no task is left."""
        state = self.server.server_state
        await until(lambda: not state.connections and not state.tasks, what="nothing is left")


@asynccontextmanager
async def told_server(finish_seconds: float = 30) -> AsyncIterator[ToldServer]:
    """Runs until the end of the test."""
    running = ToldServer(finish_seconds)
    await running.server.start()
    yield running
    await running.stop()
