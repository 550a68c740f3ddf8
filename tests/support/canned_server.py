"""A server that answers with the bytes it was given: what a real one, or what stands before it, may say."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)

# What Slack says of its answers.
SLACKS_JSON = b"application/json; charset=utf-8"
# Instead of an answer: the connection is closed, or nothing is said, unless the test says it by `last_writer`.
CLOSED = b""
SILENCE = b"..."


@dataclass
class CannedServer:
    """`requests`: what came, each with the number of its connection. `open`: how many connections stand now."""

    answers: list[bytes]
    url: str = ""
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    last_writer: asyncio.StreamWriter | None = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        number, self.last_writer = self.connections, writer
        try:
            while True:
                self.requests.append((number, await _request(reader)))
                answer = self.answers.pop(0)
                if answer == SILENCE:
                    continue
                writer.write(answer)
                await writer.drain()
                if answer == CLOSED or b"until-closed" in answer:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if (length := LENGTH.search(head)) is not None:
        return head + await reader.readexactly(int(length[1]))
    assert CHUNKED.search(head) is None, "no client under test sends chunks"
    return head


@asynccontextmanager
async def canned_server(answers: Sequence[bytes], tls: ssl.SSLContext | None = None) -> AsyncIterator[CannedServer]:
    """It listens on a free port of loopback; `url` ends with a slash."""
    canned = CannedServer(list(answers))
    server = await asyncio.start_server(canned._serve, "127.0.0.1", 0, ssl=tls)
    scheme, port = "https" if tls else "http", server.sockets[0].getsockname()[1]
    canned.url = f"{scheme}://127.0.0.1:{port}/api/"
    try:
        yield canned
    finally:
        server.close()


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK", kind: bytes = SLACKS_JSON) -> bytes:
    """A whole HTTP/1.1 answer."""
    lines = [b"HTTP/1.1 " + status, b"Content-Type: " + kind, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
