"""A small body goes out with its head at once, and says what aiohttp itself would say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from anchorbolt.bolt.web_api import session
from anchorbolt.bolt.web_api.request import MOST_BYTES, Request

HEADERS = {"Authorization": "Bearer xoxb-made-up", "Content-Type": "application/json;charset=utf-8"}


class Server:
    """Keeps the bytes of each request, and answers it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request after the other."""
        while head := await _head(reader):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            self.heard.append(head + await reader.readexactly(length))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """One on a free port."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()


@pytest.mark.parametrize("body", [b"{}", b'{"text":"\xc3\xa9"}', b"x" * MOST_BYTES, b"x" * (MOST_BYTES + 1), b""])
async def test_the_bytes_are_those_of_aiohttp(server: Server, body: bytes) -> None:
    """Head and body, whatever the size; one connection serves both requests of a session."""
    url = f"http://127.0.0.1:{server.port}/api/chat.postMessage?a=b"
    async with session.create() as ours, aiohttp.ClientSession() as theirs:
        for client in (ours, ours, theirs):
            async with client.post(url, data=body, headers=HEADERS) as response:
                assert await response.read() == b"{}"
    assert server.heard[0] == server.heard[1] == server.heard[2]


async def test_no_task_is_made_for_a_small_body(server: Server) -> None:
    """That is what it is for; a large one, which may have to wait, is left to aiohttp."""
    made: list[str] = []

    def note(loop: asyncio.AbstractEventLoop, work: object, **options: object) -> asyncio.Task[None]:
        made.append(getattr(work, "__qualname__", ""))
        return asyncio.Task(work, loop=loop, **options)  # type: ignore[arg-type]

    async with session.create() as ours:
        url = f"http://127.0.0.1:{server.port}/"
        await (await ours.post(url, data=b"{}", headers=HEADERS)).read()
        asyncio.get_running_loop().set_task_factory(note)  # type: ignore[arg-type]
        await (await ours.post(url, data=b"{}", headers=HEADERS)).read()
        assert not any("write_bytes" in name for name in made)


async def test_a_connection_that_is_closing_is_the_same_error(server: Server) -> None:
    """One that slack_sdk's handlers for broken connections know."""
    async with session.create() as ours:
        url = f"http://127.0.0.1:{server.port}/"
        await (await ours.post(url, data=b"{}", headers=HEADERS)).read()

        class Closing(Request):
            async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
                assert conn.transport is not None
                conn.transport.close()
                return await super().send(conn)

        ours._request_class = Closing
        with pytest.raises(aiohttp.ClientOSError):
            await ours.post(url, data=b"{}", headers=HEADERS)
