"""Sends a POST of a few bytes with aiohttp's connector, writer and parser, and a request that aiohttp has made before.

`ClientSession.request` makes everything anew for each call: address, headers, cookies, a timer. Two calls of one
method with one token differ in their bodies alone. What is left out costs as much as sending the request and reading
the answer (docs/decisions/0091). What needs more, a proxy for example, goes through the session.

Slack answers nearly every call with 200 and JSON that arrives as a whole: that is read from aiohttp's parser here. For
every other answer aiohttp's response is made, which goes on from where the parser stands (docs/decisions/0111).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientResponse
from aiohttp.connector import Connection
from aiohttp.helpers import TimerNoop
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.payload import BytesPayload
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.tracing import Trace
from multidict import CIMultiDictProxy
from yarl import URL

from anchorbolt.bolt.web_api.connector import Connector
from anchorbolt.bolt.web_api.kept import Kept
from anchorbolt.bolt.web_api.request import MOST_BYTES, Request
from anchorbolt.bolt.web_api.session import loads, time_limit

# The data and the headers of a plain answer: a 200 with a JSON object.
PlainAnswer = tuple[dict[str, Any], CIMultiDictProxy[str]]
SLACKS_JSON = "application/json; charset=utf-8"
_NO_LIMIT = time_limit(None)
_NO_TRACES: list[Trace] = []
_TIMER = TimerNoop()
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Prepared:
    """A request without a body, and what is the same for each call that sends it with one."""

    __slots__ = (
        *("_after_length", "_before_length", "_connector", "_is_plain", "_key", "_options", "_parsing", "_request"),
        "_session",
    )

    def __init__(
        self, session: aiohttp.ClientSession, url: URL, headers: Mapping[str, str], *, ssl: Any, proxy: str | None
    ) -> None:
        """Takes what `session.request` takes; `headers` without Host, Content-Length and those that aiohttp adds."""
        connector = session.connector
        assert isinstance(connector, Connector)  # noqa: S101 - it is open, and ours
        self._session = session
        self._connector = connector
        self._options: dict[str, Any] = {"headers": headers, "ssl": ssl, "proxy": proxy}
        self._request = request = Request(
            hdrs.METH_POST,
            url,
            headers=session._prepare_headers(headers),
            data=BytesPayload(b""),
            loop=asyncio.get_running_loop(),
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

    async def post(self, body: bytes) -> PlainAnswer | ClientResponse:
        """Sends it with a body and reads its answer, as `session.request` does. It has no time limit.

        Returns:
            The data and headers of a plain answer. Of any other one the response, whose body is not read yet: it gives
            its connection back once it is.

        Raises:
            aiohttp.ClientError: no connection, or no answer.
        """
        if not self._is_plain or len(body) > MOST_BYTES:
            return await self._by_session(body)
        if (kept := self._connector.take(self._key)) is None:
            connection = await self._connector.connect(self._request, _NO_TRACES, _NO_LIMIT)
            kept = Kept(self._key, connection, self._parsing)
        connection, protocol = kept.connection, kept.protocol
        try:
            if protocol.writing_paused:  # the server has answered the request before it read all of it
                connection.release()
                return await self._by_session(body)
            self._request.write(protocol, b"%b%d%b%b" % (self._before_length, len(body), self._after_length, body))
            try:
                message, payload = await protocol.read()
            except HttpProcessingError:
                pass  # aiohttp's response is given the same error, and raises it in its own words
            else:
                is_slacks = message.code == 200 and message.headers.get(hdrs.CONTENT_TYPE) == SLACKS_JSON
                if is_slacks and (data := _object(payload)) is not None:
                    self._connector.leave(kept)
                    return data, message.headers
                protocol._buffer.appendleft(((message, payload), 0))  # for aiohttp's response to read
            response = await self._other_answer(connection, protocol, body)
        except BaseException as error:
            connection.close()
            if isinstance(error, OSError) and not isinstance(error, aiohttp.ClientError):
                raise aiohttp.ClientOSError(*error.args) from error  # as aiohttp's session has it
            raise
        if response.status not in _REDIRECTS:
            return response
        response.release()  # Slack sends none, so nothing was done: the session sends it again, and follows
        return await self._by_session(body)

    async def _other_answer(self, connection: Connection, protocol: ResponseHandler, body: bytes) -> ClientResponse:
        response = self._request.with_body(body).answered(protocol)
        try:
            await response.start(connection)
        except BaseException:
            response.close()
            raise
        return response

    async def _by_session(self, body: bytes) -> ClientResponse:
        return await self._session.request(
            hdrs.METH_POST, self._request.original_url, data=BytesPayload(body), timeout=_NO_LIMIT, **self._options
        )


def _object(payload: StreamReader) -> dict[str, Any] | None:
    """Returns the JSON object that a body is, if it is there as a whole. The body can be read all the same."""
    if payload is EMPTY_PAYLOAD or not payload.is_eof() or payload.exception() is not None:
        return None
    try:
        # Not `read_nowait`, which has the parser look for what comes after it.
        data = loads(b"".join(payload._buffer))
    except ValueError:
        return None
    return data if type(data) is dict else None
