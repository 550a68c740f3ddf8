"""One kept-alive HTTP/1.1 connection to the Web API: a request, its answer, then the next one.

Parsed by httptools, which uvicorn has already brought. It knows what a call with a JSON body needs, and no more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import httptools
import orjson
from multidict import CIMultiDict

from anchorbolt.timers import Timer, call_later

MAX_HEAD_BYTES = 65_536


@dataclass(slots=True)
class Answer:
    """What came back, as a whole."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def content_type(self) -> str:
        """Without its parameters, as aiohttp has it."""
        return self.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """Nothing of what says that it is no JSON. Raises JSONDecodeError for what says so and is none."""
        return orjson.loads(self.body) if self.content_type == "application/json" else {}


class Connection(asyncio.Protocol):
    """Fails what it was asked with the errors that aiohttp has for it, which slack_sdk's retry handlers know."""

    def __init__(self) -> None:
        self.idle_since = 0.0  # on the monotonic clock
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._asked: asyncio.Future[Answer] | None = None
        self._impatience: Timer | None = None
        self._begin()

    @property
    def is_usable(self) -> bool:
        """Whether another request may go out on it."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes, timeout_seconds: float) -> asyncio.Future[Answer]:
        """Sends a whole request; one at a time. Who stops waiting for its answer closes the connection."""
        if self._transport is None:
            raise aiohttp.ServerDisconnectedError
        self._asked = self._loop.create_future()
        self._impatience = call_later(timeout_seconds, self._fail, TimeoutError())
        self._transport.write(request)
        return self._asked

    def close(self) -> None:
        """At once: an answer that is still on its way is nobody's."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio's hooks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and over TLS where the URL says so."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        """Some bytes of an answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(aiohttp.ClientPayloadError(f"the answer is no HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone. An answer without a length ends so."""
        self._transport = None
        if self._in_body and not self._has_length:
            self._end()
        elif exc is not None:
            self._fail(aiohttp.ClientOSError(*exc.args))
        else:
            self._fail(aiohttp.ServerDisconnectedError())

    # httptools' hooks

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of the head."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._fail(aiohttp.ClientPayloadError("the head of the answer is too large"))
            return
        self._headers.add(name.decode("latin-1"), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_body = True
        self._has_length = "Content-Length" in self._headers or "Transfer-Encoding" in self._headers

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._end()

    def _begin(self) -> None:
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._parts: list[bytes] = []
        self._head_bytes = 0
        self._in_body = False
        self._has_length = False

    def _end(self) -> None:
        status = self._parser.get_status_code()
        answer = Answer(status, self._headers, b"".join(self._parts))
        self._begin()
        if status < 200:  # 100 Continue, 103 Early Hints: the answer follows
            return
        if not self._parser.should_keep_alive():
            self.close()
        asked = self._over()
        if asked is None:  # an answer to nothing that was asked: what follows would be taken for another's
            self.close()
        elif not asked.done():
            asked.set_result(answer)

    def _fail(self, error: Exception) -> None:
        self.close()
        asked = self._over()
        if asked is not None and not asked.done():
            asked.set_exception(error)

    def _over(self) -> asyncio.Future[Answer] | None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
        asked, self._asked = self._asked, None
        return asked
