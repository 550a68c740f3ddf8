"""A connection to the app, byte by byte: for requests that no HTTP client would send."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable

from tests.support.app_process import AppProcess

HEAD = b"POST /slack/events HTTP/1.1\r\nhost: app\r\ncontent-type: application/json\r\n"


def unverified_head() -> bytes:
    """The beginning of a request whose signature may be right as far as its head tells: its body is read."""
    return HEAD + b"x-slack-request-timestamp: %d\r\nx-slack-signature: v0=%064d\r\n" % (time.time(), 0)


class Wire:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, app: AppProcess) -> Wire:
        """Connects."""
        return await cls.to_port(app.port)

    @classmethod
    async def to_port(cls, port: int) -> Wire:
        """Connects."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, content: bytes) -> None:
        """Writes it, if the other side still reads."""
        try:
            self._writer.write(content)
            await self._writer.drain()
        except ConnectionError:
            return

    async def send_each(self, contents: Iterable[bytes]) -> None:
        """Writes them one by one, each in a turn of the loop of its own."""
        for content in contents:
            await self.send(content)
            await asyncio.sleep(0)

    def send_without_waiting(self, content: bytes) -> None:
        """Leaves it to the kernel, and to the loop, to send as much as the other side takes."""
        self._writer.write(content)

    async def read(self, count: int) -> bytes:
        """So many bytes."""
        return await asyncio.wait_for(self._reader.readexactly(count), 30)

    async def answer(self) -> tuple[int, dict[str, object]]:
        """Status and JSON of the next answer."""
        status, _, body = await self.whole_answer()
        return status, json.loads(body)

    async def whole_answer(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers and body of the next answer."""
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 30)
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        body = await asyncio.wait_for(self._reader.readexactly(int(fields[b"content-length"])), 30)
        return int(head.split()[1]), fields, body

    async def is_closed(self) -> bool:
        """Whether the other side closes, and says nothing more."""
        try:
            return await asyncio.wait_for(self._reader.read(1), 30) == b""
        except ConnectionError:
            return True

    async def is_closed_after_an_answer(self) -> bool:
        """Whether the other side closes, whatever it says before, if the client is still told."""
        try:
            await asyncio.wait_for(self._reader.read(-1), 30)
        except ConnectionError:
            return True
        return self._reader.at_eof()

    async def all_there_is(self) -> bytes:
        """What comes until the other side closes."""
        return await asyncio.wait_for(self._reader.read(-1), 30)

    @property
    def is_open(self) -> bool:
        """Whether there is any sense in sending more."""
        return not self._writer.transport.is_closing() and not self._reader.at_eof()

    def end(self) -> None:
        """Ends our half of the connection: nothing more is sent, and answers are read."""
        self._writer.write_eof()

    def hang_up(self) -> None:
        """Closes at once."""
        self._writer.transport.abort()
