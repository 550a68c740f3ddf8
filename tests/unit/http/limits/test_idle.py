"""How long a connection lives on which nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import uvicorn
from anchorbolt.http.limits import one_request
from anchorbolt.http.limits.connections import Connections
from anchorbolt.http.limits.idle import HttpConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from tests.support.waiting import until
from tests.support.wire import HEAD

REQUEST = HEAD + b"content-length: 2\r\n\r\n{}"
HEAD_SECONDS, IDLE_SECONDS = 3, 75


class Transport(asyncio.Transport):
    """What a connection writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        """A part of an answer."""
        self.written += data

    def close(self) -> None:
        """For good."""
        self.closed = True

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self.closed


@dataclass
class Timer:
    """A timer that rings when the test says so."""

    at: float
    callback: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        """Does not ring any more."""
        self.cancelled = True


@dataclass
class Loop:
    """The event loop, with timers of the test's own."""

    now: float = 1000.0
    timers: list[Timer] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio.get_running_loop(), name)

    def call_later(self, seconds: float, callback: Callable[..., object], *arguments: Any) -> Timer:
        """A timer."""
        self.timers.append(Timer(self.now + seconds, lambda: callback(*arguments)))
        return self.timers[-1]

    def time(self) -> float:
        """The time it is."""
        return self.now

    def go_to(self, now: float) -> None:
        """Time goes on, and what is due rings."""
        self.now = now
        for timer in self.timers:
            if timer.at <= now and not timer.cancelled:
                timer.cancel()
                timer.callback()


@pytest.fixture(autouse=True)
def _timers_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timers of this app ring when the test says so, as those of the event loop do."""

    def call_later(*arguments: Any) -> Timer:
        return Idle.latest.loop.call_later(*arguments)

    monkeypatch.setattr(one_request, "call_later", call_later)


class Idle:
    """One connection, and the time it is."""

    latest: Idle

    def __init__(self) -> None:
        Idle.latest = self
        config = uvicorn.Config(_answer, lifespan="off", ws="none", log_config=None, timeout_keep_alive=IDLE_SECONDS)
        config.load()
        self.loop = Loop()
        self.connection = HttpConnection(
            head_seconds=HEAD_SECONDS,
            connections=Connections(10),
            config=config,
            server_state=ServerState(),
            app_state={},
            _loop=cast("asyncio.AbstractEventLoop", self.loop),
        )
        self.transport = Transport()
        self.connection.connection_made(self.transport)

    def closed_at(self, now: float) -> bool:
        """Whether it is closed when it is this late."""
        self.loop.go_to(now)
        return self.transport.closed

    async def until_answered(self) -> None:
        """Waits for the answer."""
        await until(lambda: self.transport.written.endswith(b"answer"), what="it is answered")


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers without reading the body."""
    await Response(b"answer")(scope, receive, send)


async def test_a_connection_without_a_request_is_closed() -> None:
    """One that never sends anything is idle from its first moment."""
    idle = Idle()
    assert not idle.closed_at(1074.0)
    assert idle.closed_at(1075.0)


async def test_the_idle_time_counts_from_the_last_answer() -> None:
    """1. A request comes 60 s after the connection; 2. after 75 s it stays; 3. 75 s after the answer it is closed."""
    idle = Idle()
    idle.loop.go_to(1060.0)
    idle.connection.data_received(REQUEST)
    await idle.until_answered()
    assert not idle.closed_at(1134.0)
    assert idle.closed_at(1135.0)


async def test_a_connection_that_is_busy_when_its_idle_time_would_be_over_stays() -> None:
    """1. The head of a request begins; 2. it is not whole when the connection was to be closed; 3. it is answered."""
    idle = Idle()
    idle.connection.data_received(REQUEST[:20])
    idle.loop.timers[-1].cancel()  # that of a slow head
    assert not idle.closed_at(1075.0)
    idle.connection.data_received(REQUEST[20:])
    await idle.until_answered()
    assert not idle.closed_at(1149.0)
    assert idle.closed_at(1150.0)


async def test_a_connection_is_idle_after_a_body_that_nobody_reads() -> None:
    """1. A request is answered before its body; 2. when that is whole the connection is idle, and ends as such."""
    idle = Idle()
    idle.connection.data_received(HEAD + b"content-length: 4\r\n\r\n")
    await idle.until_answered()
    idle.connection.data_received(b"four")
    assert not idle.closed_at(1074.0)
    assert idle.closed_at(1075.0)


async def test_a_body_that_nobody_reads_has_as_long_as_a_head() -> None:
    """A client that sends the rest of an answered request byte by byte is cut off: it would take for ever."""
    idle = Idle()
    idle.connection.data_received(HEAD + b"content-length: 4000\r\n\r\n")
    await idle.until_answered()
    for second in range(3):
        idle.connection.data_received(b"x")
        assert not idle.closed_at(1000.0 + second)
    assert idle.closed_at(1003.0)


async def test_nothing_rings_after_the_end_of_a_connection() -> None:
    """A connection that broke in the middle of a head leaves no timer behind."""
    idle = Idle()
    idle.connection.data_received(HEAD)
    idle.connection.connection_lost(ConnectionResetError())
    assert [timer for timer in idle.loop.timers if not timer.cancelled] == []
