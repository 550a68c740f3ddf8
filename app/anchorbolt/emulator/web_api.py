"""Slack's Web API as an ASGI app. It is plain ASGI, because benchmarks call it at the highest rate of the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from anchorbolt.emulator.answers import ANSWERS
from anchorbolt.emulator.answers.shape import failed
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.messages import Messages
from anchorbolt.emulator.script import Line, Script
from anchorbolt.emulator.socket_mode.sockets import Sockets

RESPONSE_URL = "response_url"

_OPEN = "apps.connections.open"
_API = "/api/"
_RESPONSE = "/response/"
_SCOPES = (
    b"commands,chat:write,im:write,im:history,channels:history,groups:history,"
    b"app_mentions:read,reactions:read,reactions:write,assistant:write"
)
_JSON_HEADERS = [(b"content-type", b"application/json; charset=utf-8"), (b"x-oauth-scopes", _SCOPES)]
_TEXT_HEADERS = [(b"content-type", b"text/plain; charset=utf-8")]


class WebApi:
    """Answers `/api/<method>` and posts to a `response_url`; every other path is answered by the admin page."""

    def __init__(
        self,
        *,
        calls: Calls,
        script: Script,
        messages: Messages,
        sockets: Sockets,
        admin_page: ASGIApp,
        clock: Callable[[], float],
    ) -> None:
        self._calls = calls
        self._script = script
        self._messages = messages
        self._sockets = sockets
        self._admin_page = admin_page
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(_API):
            await self._call(path[len(_API) :], scope, receive, send)
        elif scope["type"] == "http" and path.startswith(_RESPONSE):
            await self._call(RESPONSE_URL, scope, receive, send)
        else:
            await self._admin_page(scope, receive, send)

    def forget(self) -> None:
        """Forgets the messages."""
        self._messages = Messages()

    async def _call(self, method: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        arguments = _arguments(headers.get(b"content-type", b""), scope["query_string"], await _body(receive))
        line = self._script.next_for(method) if self._script else None
        if line is not None and line.delay_seconds:
            await asyncio.sleep(line.delay_seconds)
        now = self._clock()
        more: list[tuple[bytes, bytes]] = []
        if line is not None and (line.error or line.status or line.answer is not None):
            status, answer, more = _scripted(line)
        elif method != RESPONSE_URL and b"authorization" not in headers and "token" not in arguments:
            status, answer = 200, failed("not_authed")
        elif method == _OPEN:
            status, answer = (
                200,
                self._sockets.open(arguments, _token(headers), headers.get(b"host", b"").decode("latin-1")),
            )
        else:
            usual = ANSWERS.get(method)
            status, answer = 200, usual(arguments, self._messages, now) if usual else {"ok": True}
        self._calls.note(method, arguments, status, answer, now)
        body = orjson.dumps(answer) if answer else b"upstream error"
        own = _JSON_HEADERS if answer else _TEXT_HEADERS
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*own, *more, length]})
        await send({"type": "http.response.body", "body": body})


def _scripted(line: Line) -> tuple[int, dict[str, Any], list[tuple[bytes, bytes]]]:
    """The status, the body and the extra headers of a scripted answer; an empty body stands for one without JSON."""
    if line.error == "ratelimited" or line.status == 429:
        return 429, failed("ratelimited"), [(b"retry-after", str(line.retry_after_seconds).encode())]
    if line.error:
        return line.status or 200, failed(line.error), []
    if line.answer is not None:
        return line.status or 200, {"ok": True, **line.answer}, []
    return line.status or 200, {}, []


def _token(headers: dict[bytes, bytes]) -> str:
    return headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _arguments(content_type: bytes, query: bytes, body: bytes) -> dict[str, Any]:
    """The arguments of a call, from JSON, a form or the query. A body that cannot be read has none."""
    if content_type.startswith(b"application/json"):
        try:
            decoded = orjson.loads(body)
        except orjson.JSONDecodeError:
            return {}
        return decoded if isinstance(decoded, dict) else {}
    if content_type.startswith(b"multipart/"):
        return {}
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return form | dict(parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True)) if query else form
