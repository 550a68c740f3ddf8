"""Connections on which nobody asks for anything are closed, but not before the proxies close theirs."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from anchorbolt import main
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.lifecycle.life import Parts
from anchorbolt.settings.model import Settings

from tests.support.loop_time import LoopTime
from tests.support.wire import HEAD, Wire

# Proxies close a connection that was idle for 60 s: it must not be closed under a request that they send on it.
STAYS_SECONDS = 70.0
GOES_SECONDS = 80.0
REFUSED = HEAD + b"content-length: 2\r\n\r\n{}"


@dataclass
class Served:
    """The servers of the app on real sockets, in a process whose time a test may move on."""

    port: int
    internal_port: int
    time: LoopTime

    async def pass_time(self, seconds: float) -> None:
        """Moves the clock of the event loop on, once what was sent has arrived; what is due by then happens."""
        await self._settle()
        self.time.add(seconds)
        await self._settle()

    async def _settle(self) -> None:
        """Asks something on a connection of its own: in that time the loop does all that it had to do before."""
        async with httpx.AsyncClient(trust_env=False, verify=False) as http:
            answer = await http.get(f"http://127.0.0.1:{self.internal_port}/livez", timeout=30)
        assert answer.status_code == 200


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """The parts as the composition root builds them; of their life only the servers are started."""
    settings = Settings(
        _env_file=None,
        slack_signing_secret=EMULATOR_SECRET,
        slack_bot_token="xoxb-made-up",
        database_url="sqlite+aiosqlite://",
        listeners="tests.support.no_listeners",
    )
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    public, internal = (sock.getsockname()[1] for sock in sockets)
    serves = Served(public, internal, LoopTime())
    parts: Parts = main.build(settings, sockets)
    await parts.transport.listen()
    await parts.transport.open()
    await parts.internal.start()
    yield serves
    await parts.transport.close(1)
    await parts.internal.stop()
    await parts.bolt.close()
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize("port", ["public", "internal"])
async def test_a_connection_without_a_request_is_closed(served: Served, port: str) -> None:
    """Who connects and never says a word keeps its connection for as long as a proxy may, and no longer."""
    wire = await Wire.to_port(served.port if port == "public" else served.internal_port)
    await served.pass_time(STAYS_SECONDS)
    assert wire.is_open
    await served.pass_time(GOES_SECONDS - STAYS_SECONDS)
    assert await wire.is_closed()


async def test_an_idle_connection_is_closed_after_its_last_answer(served: Served) -> None:
    """The time counts from the last answer, whatever was before it."""
    wire = await Wire.to_port(served.port)
    for _ in range(3):
        await wire.send(REFUSED)
        assert (await wire.answer())[0] == 401
        await served.pass_time(STAYS_SECONDS)
        assert wire.is_open
    await served.pass_time(GOES_SECONDS - STAYS_SECONDS)
    assert await wire.is_closed()


async def test_a_connection_is_idle_after_a_body_that_nobody_read(served: Served) -> None:
    """A request that is answered before its body leaves an idle connection behind, once that has come."""
    wire = await Wire.to_port(served.port)
    await wire.send(b"POST /nothing HTTP/1.1\r\nhost: app\r\ncontent-length: 4\r\n\r\n")
    assert (await wire.answer())[0] == 404
    await wire.send(b"four")
    await served.pass_time(STAYS_SECONDS)
    assert wire.is_open
    await served.pass_time(GOES_SECONDS - STAYS_SECONDS)
    assert await wire.is_closed()
