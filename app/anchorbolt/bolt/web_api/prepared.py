"""Sends a POST of a few bytes with aiohttp's connector, writer and parser, and a request that aiohttp has made before.

`ClientSession.request` makes everything anew for each call: address, headers, cookies, a timer. Two calls of one
method with one token differ in their bodies alone. What is left out costs as much as sending the request and reading
the answer (docs/decisions/0091). What needs more, a proxy for example, goes through the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp import hdrs
from aiohttp.client_reqrep import ClientResponse
from aiohttp.helpers import TimerNoop
from aiohttp.payload import BytesPayload
from yarl import URL

from anchorbolt.bolt.web_api.session import time_limit

_NO_LIMIT = time_limit(None)
_TIMER = TimerNoop()
# Of methods, tokens and custom headers together: those of one workspace are some dozen.
MOST_PREPARED = 1_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def post(
    session: aiohttp.ClientSession, url: URL, headers: Mapping[str, str], body: bytes, *, ssl: Any, proxy: Any
) -> ClientResponse:
    """Sends a request and reads the head of its answer, as `session.request("POST", ...)` does. It has no time limit.

    Args:
        session: whose connections are used.
        url: where to.
        headers: all but Host, Content-Length and those that aiohttp adds.
        body: what is sent.
        ssl: as aiohttp's argument.
        proxy: as aiohttp's argument.

    Returns:
        The response, whose body is not read yet. It gives its connection back once it is.

    Raises:
        aiohttp.ClientError: no connection, or no answer.
    """
    if proxy is None:
        response = await _post(_prepared(session, url, tuple(headers.items()), ssl), body)
        if response.status not in _REDIRECTS:
            return response
        response.release()  # Slack sends none, so nothing was done: the session sends it again, and follows
    return await session.request(
        "POST", url, data=BytesPayload(body), headers=headers, proxy=proxy, ssl=ssl, timeout=_NO_LIMIT
    )


@lru_cache(maxsize=MOST_PREPARED)
def _prepared(
    session: aiohttp.ClientSession, url: URL, headers: tuple[tuple[str, str], ...], ssl: Any
) -> aiohttp.ClientRequest:
    """Makes a request with a body that is empty; each call sends a copy of it."""
    return session._request_class(
        hdrs.METH_POST,
        url,
        headers=headers,
        data=BytesPayload(b""),
        loop=asyncio.get_running_loop(),
        response_class=session._response_class,
        timer=_TIMER,
        session=session,
        ssl=ssl,
    )


async def _post(prepared: aiohttp.ClientRequest, body: bytes) -> ClientResponse:
    request = _copy(prepared, body)
    session = request.session
    assert session.connector is not None  # noqa: S101 - it is open
    connection = await session.connector.connect(request, traces=[], timeout=_NO_LIMIT)
    assert connection.protocol is not None  # noqa: S101 - as aiohttp's own
    connection.protocol.set_response_params(
        timer=_TIMER,
        skip_payload=False,
        read_until_eof=True,
        auto_decompress=True,
        read_timeout=None,
        read_bufsize=session._read_bufsize,
        max_line_size=session._max_line_size,
        max_field_size=session._max_field_size,
        max_headers=session._max_headers,
    )
    try:
        response = await request.send(connection)
        try:
            return await response.start(connection)
        except BaseException:
            response.close()
            raise
    except BaseException as error:
        connection.close()
        if isinstance(error, OSError) and not isinstance(error, aiohttp.ClientError):
            raise aiohttp.ClientOSError(*error.args) from error  # as aiohttp's session has it
        raise


def _copy(prepared: aiohttp.ClientRequest, body: bytes) -> aiohttp.ClientRequest:
    """Copies a request, in a tenth of the time of copy.copy."""
    request = object.__new__(type(prepared))
    request.__dict__ = prepared.__dict__.copy()
    request.headers = prepared.headers.copy()
    request.headers[hdrs.CONTENT_LENGTH] = str(len(body))
    request._body = BytesPayload(body)
    return request
