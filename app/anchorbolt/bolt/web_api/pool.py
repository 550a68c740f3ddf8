"""Kept-alive connections to the Web API, for the calls that need nothing of an HTTP client but a POST of JSON."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from anchorbolt.bolt.web_api.connection import Answer, Connection

# As many as deliveries run at once by default.
CONNECTIONS = 200
# Whoever listens at the other end closes what is idle for longer, and perhaps while we write.
IDLE_SECONDS = 15.0
# What is plain in a head. Anything else is for aiohttp, which knows what to do about it, or refuses it.
PLAIN = re.compile(r"[\x20-\x7e]*")
METHOD = re.compile(r"[A-Za-z0-9._]+")


class WebPool:
    """Up to CONNECTIONS of them; who asks for one more waits."""

    def __init__(self, base_url: str, timeout_seconds: float, tls: ssl.SSLContext | None = None) -> None:
        """`base_url` ends with a slash. `timeout_seconds`: for a connection to stand, and for an answer to come."""
        self.base_url = base_url
        self._timeout_seconds = timeout_seconds
        parts = urlsplit(base_url)
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._line = f"POST {parts.path}%s HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
        self._head_of: tuple[str | None, dict[str, str]] | None = None
        self._head = ""
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()

    def close(self) -> None:
        """Ends all connections."""
        for connection in (*self._busy, *self._idle):
            connection.close()

    def write(self, method: str, token: str | None, headers: dict[str, str], json: Mapping[str, Any]) -> bytes | None:
        """A request as it goes out; None when it holds what an HTTP client must look at."""
        if not token or not METHOD.fullmatch(method):
            return None
        if self._head_of != (token, headers):  # mostly the same as that of the call before
            lines = {"Authorization": f"Bearer {token}", **headers, "Content-Type": "application/json;charset=utf-8"}
            if not all(isinstance(part, str) and PLAIN.fullmatch(part) for line in lines.items() for part in line):
                return None
            self._head_of = (token, dict(headers))
            self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        try:
            body = orjson.dumps(json)
        except TypeError:  # keys that are numbers, half of a surrogate pair: the standard library writes them
            return None
        return f"{self._line % method}{self._head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body

    async def ask(self, request: bytes) -> Answer:
        """Sends a request and waits for its answer. Raises aiohttp's errors, and TimeoutError."""
        await self._room.acquire()  # without its `async with`, which is two more coroutines
        try:
            connection = self._kept() or await self._connect()
            self._busy.add(connection)
            try:
                answer = await connection.ask(request, self._timeout_seconds)
            except BaseException:  # also of who is cancelled: the answer that may still come is nobody's
                connection.close()
                raise
            finally:
                self._busy.discard(connection)
            if connection.is_usable:
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
            return answer
        finally:
            self._room.release()

    def _kept(self) -> Connection | None:
        """The connection that was used last, so that those that are not needed grow old and are closed."""
        oldest = time.monotonic() - IDLE_SECONDS
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.popleft().close()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                _, connection = await loop.create_connection(Connection, self._host, self._port, ssl=self._tls)
        except TimeoutError:
            raise
        except OSError as error:
            raise aiohttp.ClientOSError(*error.args) from error
        return connection
