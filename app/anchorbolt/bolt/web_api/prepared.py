"""Sends a POST of a few bytes with aiohttp's connector, writer and parser, and a request that aiohttp has made before.

`ClientSession.request` makes everything anew for each call: address, headers, cookies, a timer. Two calls of one
method with one token differ in their bodies alone. What is left out costs as much as sending the request and reading
the answer (docs/decisions/0091). What needs more, a proxy for example, goes through the session.

Slack answers nearly every call with 200 and JSON that arrives as a whole: kept.py reads that from aiohttp's parser. For
every other answer aiohttp's response is made, which goes on from where the parser stands (docs/decisions/0111).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import hdrs
from aiohttp.client_reqrep import ClientResponse
from aiohttp.helpers import TimerNoop
from aiohttp.payload import BytesPayload
from aiohttp.tracing import Trace
from yarl import URL

from anchorbolt.bolt.web_api.connector import Connector
from anchorbolt.bolt.web_api.kept import Kept, PlainAnswer
from anchorbolt.bolt.web_api.request import MOST_BYTES, Request
from anchorbolt.bolt.web_api.session import time_limit
from anchorbolt.timers import Timeout

_NO_LIMIT = time_limit(None)
_NO_TRACES: list[Trace] = []
_TIMER = TimerNoop()
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Prepared:
    """A request without a body, and what is the same for each call that sends it with one."""

    __slots__ = (
        *("_after_length", "_before_length", "_connector", "_is_plain", "_key", "_loop", "_options", "_parsing"),
        *("_request", "_session"),
    )

    def __init__(
        self, session: aiohttp.ClientSession, url: URL, headers: Mapping[str, str], *, ssl: Any, proxy: str | None
    ) -> None:
        """Takes what `session.request` takes; `headers` without Host, Content-Length and those that aiohttp adds."""
        connector = session.connector
        assert isinstance(connector, Connector)  # noqa: S101 - it is open, and ours
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._connector = connector
        self._options: dict[str, Any] = {"headers": headers, "ssl": ssl, "proxy": proxy}
        self._request = request = Request(
            hdrs.METH_POST,
            url,
            headers=session._prepare_headers(headers),
            data=BytesPayload(b""),
            loop=self._loop,
            response_class=session._response_class,
            timer=_TIMER,
            session=session,
            ssl=ssl,
            proxy=None if proxy is None else URL(proxy),
        )
        self._key = request.connection_key
        self._is_plain = request.is_plain()
        # aiohttp writes the head once, as that of an empty body. Each call puts its length between these two.
        request.headers[hdrs.CONTENT_LENGTH] = "0"
        before, length, after = request.head().partition(b"\r\nContent-Length: 0")
        self._before_length, self._after_length = before + length[:-1], after
        self._parsing: dict[str, Any] = {
            "timer": _TIMER,
            "skip_payload": False,
            "read_until_eof": True,
            "auto_decompress": True,
            "read_timeout": None,
            "read_bufsize": session._read_bufsize,
            "max_line_size": session._max_line_size,
            "max_field_size": session._max_field_size,
            "max_headers": session._max_headers,
        }

    async def post(self, body: bytes, seconds: float | None) -> PlainAnswer | ClientResponse:
        """Sends it with a body and reads the whole answer, as `session.request` does.

        `seconds`: the time for that, which includes the wait for a free connection. None: it has no end.

        Returns:
            The data and headers of a plain answer. Of any other one the response, whose body was read.

        Raises:
            aiohttp.ClientError: no connection, or no whole answer.
            TimeoutError: no whole answer in time.
        """
        at = math.inf if seconds is None else self._loop.time() + seconds
        if not self._is_plain or len(body) > MOST_BYTES:
            with Timeout(at):
                return await self._by_session(body)
        kept = self._connector.take(self._key)
        try:
            if kept is None:
                with Timeout(at):
                    connection = await self._connector.connect(self._request, _NO_TRACES, _NO_LIMIT)
                kept = Kept(self._key, connection, self._parsing)
            request = b"%b%d%b%b" % (self._before_length, len(body), self._after_length, body)
            self._request.write(kept.protocol, request)
            if (plain := await kept.answer(at)) is not None:
                self._connector.leave(kept)
                return plain
            with Timeout(at):
                return await self._other_answer(kept, body)
        except BaseException as error:
            if kept is not None:
                kept.connection.close()
            if isinstance(error, OSError) and not isinstance(error, aiohttp.ClientError | TimeoutError):
                raise aiohttp.ClientOSError(*error.args) from error  # as aiohttp's session has it
            raise

    async def _other_answer(self, kept: Kept, body: bytes) -> ClientResponse:
        """Goes on with aiohttp's response, which gives the connection back."""
        response = self._request.with_body(body).answered(kept.protocol)
        try:
            await response.start(kept.connection)
        except BaseException:
            response.close()
            raise
        if response.status in _REDIRECTS:
            response.release()  # Slack sends none, so nothing was done: the session sends it again, and follows
            return await self._by_session(body)
        if response.content.is_eof():  # its body came with the head, as most do
            response._body = response.content.read_nowait()  # where aiohttp keeps it
        else:
            await response.read()
        return response

    async def _by_session(self, body: bytes) -> ClientResponse:
        response = await self._session.request(
            hdrs.METH_POST, self._request.original_url, data=BytesPayload(body), timeout=_NO_LIMIT, **self._options
        )
        await response.read()
        return response
