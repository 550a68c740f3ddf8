"""Slack's Web API as an ASGI app. It is plain ASGI, because benchmarks call it at the highest rate of the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from anchorbolt.emulator.answers import OPEN_SOCKET, answers
from anchorbolt.emulator.answers.shape import Answer, failed
from anchorbolt.emulator.arguments import base_url, body_of, client_of, read_arguments
from anchorbolt.emulator.calls import Calls
from anchorbolt.emulator.lost import lose_connection
from anchorbolt.emulator.script import Line, Script
from anchorbolt.emulator.socket_mode.sockets import Sockets
from anchorbolt.emulator.state.workspace import Workspace

RESPONSE_URL = "response_url"

_API = "/api/"
_RESPONSE = "/response/"
_BEARER = b"Bearer "
_TOKENS = ("xox", "xapp-", "xwfp-")
_WITHOUT_TOKEN = frozenset(("api.test", "oauth.access", "oauth.v2.access", "openid.connect.token", RESPONSE_URL))
_SCOPES = (
    b"commands,chat:write,im:write,im:history,channels:history,groups:history,"
    b"app_mentions:read,reactions:read,reactions:write,assistant:write"
)
_JSON_HEADERS = [(b"content-type", b"application/json; charset=utf-8"), (b"x-oauth-scopes", _SCOPES)]
_TEXT_HEADERS = [(b"content-type", b"text/plain; charset=utf-8")]


class WebApi:
    """Answers `/api/<method>` and posts to a `response_url`; every other path is answered by `others`."""

    def __init__(
        self,
        *,
        calls: Calls,
        script: Script,
        workspace: Workspace,
        sockets: Sockets,
        others: ASGIApp,
        clock: Callable[[], float],
    ) -> None:
        self._calls = calls
        self._script = script
        self._workspace = workspace
        self._sockets = sockets
        self._others = others
        self._clock = clock
        self._answers = answers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request: a method of the Web API, a response URL, or one of the emulator's own routes."""
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(_API):
            await self._call(path[len(_API) :], scope, receive, send)
        elif scope["type"] == "http" and path.startswith(_RESPONSE):
            await self._call(RESPONSE_URL, scope, receive, send)
        else:
            await self._others(scope, receive, send)

    async def _call(self, method: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        arguments = read_arguments(headers.get(b"content-type", b""), scope["query_string"], await body_of(receive))
        line = self._script.next_for(method) if self._script else None
        if line is not None and line.delay_seconds:
            await asyncio.sleep(line.delay_seconds)
        now = self._clock()
        token = _token_of(headers.get(b"authorization"), arguments)
        more: list[tuple[bytes, bytes]] = []
        if line is None or not line.replaces:
            status, answer = 200, self._usual(method, arguments, headers, token, now)
        else:
            status, answer, more = _scripted(line)
            if line.performed:
                self._usual(method, arguments, headers, token, now)
        self._calls.note(method, arguments, status, answer, now, token=token)
        if line is not None and line.no_answer:
            await lose_connection(scope, receive, at_once=line.no_answer == "close")
            return
        body = orjson.dumps(answer) if answer else b"upstream error"
        own = _JSON_HEADERS if answer else _TEXT_HEADERS
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*own, *more, length]})
        await send({"type": "http.response.body", "body": body})

    def _usual(
        self, method: str, arguments: dict[str, Any], headers: dict[bytes, bytes], token: str, now: float
    ) -> Answer:
        """What Slack answers where no script says otherwise."""
        if method == RESPONSE_URL:
            return {"ok": True}
        if method == OPEN_SOCKET and (b"authorization" in headers or "token" in arguments):
            host = headers.get(b"host", b"").decode("latin-1")
            return self._sockets.open(arguments, _bearer(headers.get(b"authorization", b"")), host)
        usual = self._answers.get(method)
        if usual is None and method != OPEN_SOCKET:
            return failed("unknown_method")
        refused = None if method in _WITHOUT_TOKEN else _refused(headers.get(b"authorization"), arguments)
        if refused or usual is None:
            return failed(refused or "not_authed")
        if self._workspace.grants.is_revoked(token):
            return failed("token_revoked")
        self._workspace.base = base_url(headers)
        self._workspace.token = token
        return usual(client_of(headers.get(b"authorization")) | arguments, self._workspace, now)


def _scripted(line: Line) -> tuple[int, Answer, list[tuple[bytes, bytes]]]:
    """The status, the body and the extra headers of a scripted answer.

    An empty body stands for one without JSON, and status 0 for no answer.
    """
    if line.no_answer:
        return 0, {}, []
    if line.error == "ratelimited" or line.status == 429:
        return 429, failed("ratelimited"), [(b"retry-after", str(line.retry_after_seconds).encode())]
    if line.error:
        return line.status or 200, {**(line.answer or {}), **failed(line.error)}, []
    if line.answer is not None:
        return line.status or 200, {"ok": True, **line.answer}, []
    return line.status or 200, {}, []


def _refused(authorization: bytes | None, arguments: dict[str, Any]) -> str | None:
    """Slack's word for a call without a token, or with one that is none of Slack's; None for any other call."""
    if authorization is None and "token" not in arguments:
        return "not_authed"
    if authorization is not None and not authorization.startswith(_BEARER):
        return None  # the client's id and secret, as oauth.v2.access is called
    return None if _token_of(authorization, arguments).startswith(_TOKENS) else "invalid_auth"


def _token_of(authorization: bytes | None, arguments: dict[str, Any]) -> str:
    """The token of a call, in its header or its form; empty where it has none."""
    if authorization is None:
        return str(arguments.get("token", ""))
    return _bearer(authorization) if authorization.startswith(_BEARER) else ""


def _bearer(authorization: bytes) -> str:
    return authorization.decode("latin-1").removeprefix("Bearer ")
