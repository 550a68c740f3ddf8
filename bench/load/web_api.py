"""An emulator of Slack's Web API for load: a bare HTTP server that counts the listeners that got to their end."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import cast

_JOB = re.compile(rb"job-(\d{9})")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"connection: *close", re.IGNORECASE)


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


_AUTH_TEST = _answer(
    b'{"ok":true,"url":"https://bench.slack.com/","team":"Bench","user":"bench","team_id":"T0BENCH001",'
    b'"user_id":"U0BENCHBOT","bot_id":"B0BENCH001","is_enterprise_install":false}'
)
_POSTED = _answer(
    b'{"ok":true,"channel":"C0BENCH001","ts":"1760000000.000100","message":{"type":"message","user":"U0BENCHBOT",'
    b'"text":"done","bot_id":"B0BENCH001","app_id":"A0BENCH001","team":"T0BENCH001","ts":"1760000000.000100"}}'
)


class WebApi:
    """Counts jobs: `ended` has each once, `again` the calls for a job that had ended before.

    `token_of`: the token that a job's call must have; calls with another one count as `strangers`. None: any.
    `call_seconds`: how long a call takes.
    """

    def __init__(self, token_of: Callable[[int], bytes] | None = None, call_seconds: float = 0) -> None:
        self.token_of = token_of
        self.call_seconds = call_seconds
        self.strangers = 0
        self.ended: set[int] = set()
        self.again = 0
        self.last_at = 0.0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Call(self), "127.0.0.1", 0, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def count(self, job: int) -> None:
        if job in self.ended:
            self.again += 1
        self.ended.add(job)
        self.last_at = time.perf_counter()


class _Call(asyncio.Protocol):
    """One connection of a Web API client; parses no more of HTTP than the clients under test use."""

    def __init__(self, web_api: WebApi) -> None:
        self._web_api = web_api
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, head_end)
            end = head_end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < end:
                return
            request, self._buffer = self._buffer[:end], self._buffer[end:]
            self._reply(request, head_end)

    def _reply(self, request: bytes, head_end: int) -> None:
        is_last = _CLOSE.search(request, 0, head_end) is not None
        if request.startswith(b"POST /api/auth.test"):
            self._write(_AUTH_TEST, is_last=is_last)
        elif seconds := self._web_api.call_seconds:
            asyncio.get_running_loop().call_later(seconds, self._post, request, head_end, is_last)
        else:
            self._post(request, head_end, is_last)

    def _post(self, request: bytes, head_end: int, is_last: bool) -> None:
        job = _JOB.search(request, head_end)
        if job:
            self._count(int(job[1]), request[:head_end])
        self._write(_POSTED, is_last=is_last)

    def _write(self, answer: bytes, *, is_last: bool) -> None:
        self._transport.write(answer)
        if is_last:
            self._transport.close()

    def _count(self, job: int, head: bytes) -> None:
        token_of = self._web_api.token_of
        if token_of is not None and b"Bearer " + token_of(job) + b"\r\n" not in head + b"\r\n":
            self._web_api.strangers += 1
        self._web_api.count(job)
