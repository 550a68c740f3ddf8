"""A connection whose requests go past uvicorn: how long it lives when it is idle."""

from __future__ import annotations

import asyncio

import uvicorn
from anchorbolt.errors import RefusedError
from anchorbolt.http.answer import ACCEPTED, Answer, refusal, send_answer
from anchorbolt.http.connection import Loop
from anchorbolt.http.express import Answers, Express
from anchorbolt.http.request import Whole
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from tests.support.waiting import until
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


class Full:
    """A receiver that refuses."""

    def turns_away(self) -> RefusedError | None:
        """Always."""
        return RefusedError(503, "overloaded")

    async def answer(self, request: Whole) -> Answer:
        """Never asked."""
        raise AssertionError


class Slow(Full):
    """A receiver that answers when it is told."""

    def __init__(self) -> None:
        self.told = asyncio.Event()

    def turns_away(self) -> RefusedError | None:
        """Never."""
        return None

    async def answer(self, request: Whole) -> Answer:
        """Waits."""
        await self.told.wait()
        return ACCEPTED


class Idle:
    """One connection, and the time it is."""

    def __init__(self, receiver: Answers) -> None:
        config = uvicorn.Config(_not_found, lifespan="off", ws="none", log_config=None, timeout_keep_alive=75)
        config.load()
        loop = Loop(asyncio.get_running_loop())
        loop.time = lambda: self.now
        self.now = 1000.0
        self.connection = Express(
            head_seconds=3, receiver=receiver, config=config, server_state=ServerState(), app_state={}, _loop=loop
        )
        self.transport = Transport()
        self.connection.connection_made(self.transport)

    def closes_at(self, now: float) -> bool:
        """Whether it is closed by the timer that rings at this time."""
        self.now = now
        self.connection.timeout_keep_alive_handler()
        return self.transport.closed


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers without looking."""
    await send_answer(send, refusal(RefusedError(404, "not_found")))


async def test_the_time_of_an_idle_connection_counts_from_the_last_refusal() -> None:
    """1. It is made; 2. and 60 s later turned away; 3. 75 s are over: it stays; 4. 75 s after the refusal: it goes."""
    idle = Idle(Full())
    idle.now = 1060.0
    idle.connection.data_received(REQUEST)
    assert len(idle.transport.written) == 1
    assert not idle.closes_at(1075.0)
    assert idle.closes_at(1136.0)
    idle.connection.connection_lost(None)


async def test_the_time_of_an_idle_connection_counts_from_the_last_answer() -> None:
    """1. However long a request takes, its connection stays; 2. and for 75 s after its answer; 3. then it goes."""
    slow = Slow()
    idle = Idle(slow)
    idle.connection.data_received(REQUEST)
    assert not idle.closes_at(1100.0)
    slow.told.set()
    await until(lambda: idle.transport.written, what="it is answered")
    assert not idle.closes_at(1174.0)
    assert idle.closes_at(1176.0)
    idle.connection.connection_lost(None)


async def test_a_connection_is_idle_after_a_body_that_nobody_reads() -> None:
    """1. A request is answered before its body; 2. when that is whole the connection is idle, and ends as such."""
    idle = Idle(Full())
    idle.connection.data_received(b"POST /x HTTP/1.1\r\nhost: app\r\ncontent-length: 4\r\n\r\n")
    await until(lambda: idle.transport.written, what="it is answered")
    idle.connection.data_received(b"four")
    assert idle.connection.timeout_keep_alive_task is not None
    assert idle.closes_at(1076.0)
    idle.connection.connection_lost(None)
