"""Requests as bytes on a connection: what a client library would put in order must be able to stay wrong."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: `told` is what the stand-in pod said, empty if the proxy answered by itself."""

    status: int
    told: Mapping[str, Any]


class Slack:
    """A client that keeps its connection, as whatever terminates TLS does."""

    def __init__(self, port: int, seconds: float = 15) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=seconds)

    def __enter__(self) -> Slack:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def send(
        self,
        body: bytes | Iterable[bytes],
        content_type: str = JSON,
        path: str = "/slack/events",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """One request; an iterable goes in chunks, without a declared length."""
        chunked = not isinstance(body, bytes)
        sent = {
            "Content-Type": content_type,
            **({"Transfer-Encoding": "chunked"} if chunked else {}),
            **(headers or {}),
        }
        self._connection.request(method, path, body=body, headers=sent, encode_chunked=chunked)
        response = self._connection.getresponse()
        answer = response.read()
        try:
            told = json.loads(answer)
        except ValueError:
            told = {}
        return Answered(response.status, told)


def event(conversation: str, **fields: Any) -> bytes:
    """An event of that channel."""
    inner = {"type": "app_mention", "channel": conversation, "user": "U1", "ts": "1.1"}
    outer = {"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": inner, **fields}
    return json.dumps(outer).encode()


def raw(port: int, data: bytes, seconds: float = 10) -> bytes:
    """Sends bytes as they are; returns everything up to the end of the connection or of the first answer."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        while b"\r\n\r\n" not in answer and (more := connection.recv(65536)):
            answer += more
    return answer


def until(condition: Callable[[], bool], what: str, log: Callable[[], str] = str, seconds: float = 20) -> None:
    """Waits for a condition; fails with `what` and the log when it does not come."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (OSError, HTTPException):
            pass
        if time.monotonic() > give_up:
            raise AssertionError(f"never: {what}\n{log()}")
        time.sleep(0.02)
