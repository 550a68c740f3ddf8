"""Requests that are refused before any work, answered as soon as they are whole: without scope, task or application.

At twice what a pod can take, every second request is refused: what a refusal costs is taken from the others
(docs/performance.md).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.errors import RefusedError
from app.receiver import sighting


class Turnstile(HttpToolsProtocol):
    """uvicorn's own, which asks `turns_away` about the URL of a request before it begins one."""

    def __init__(self, *, turns_away: Callable[[bytes], RefusedError | None], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._turns_away = turns_away
        self._refusal: RefusedError | None = None  # of the request that is being read
        self._body = b""
        self.turned_away = 0

    def data_received(self, data: bytes) -> None:
        """What is refused and not whole goes to the application, which knows how to wait for a body."""
        super().data_received(data)
        if self._refusal is not None and not self.transport.is_closing():
            self._refusal = None
            super().on_headers_complete()
            super().on_body(self._body)

    def on_headers_complete(self) -> None:
        """Asks, unless the answer to another request comes first, or the client does not take its answers."""
        if (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused:
            self._refusal = self._turns_away(self.url)
            self._body = b""
        if self._refusal is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Kept until it is whole."""
        if self._refusal is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """It is whole."""
        if self._refusal is None:
            super().on_message_complete()
            return
        refusal, self._refusal = self._refusal, None
        self.turned_away += 1
        sighting.turned_away(refusal)
        close = self.parser.get_http_version() == "1.0" or not self.parser.should_keep_alive()
        self.refuse(refusal, close=close)
        if not close:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def refuse(self, refusal: RefusedError, *, close: bool) -> None:
        """Answers in the place of the application."""
        if self.transport.is_closing():
            return
        self.transport.write(_answer(refusal.status, refusal.word, close))
        if close:
            self.transport.close()


@functools.cache  # there are as many as there are such refusals
def _answer(status: int, word: str, close: bool) -> bytes:
    body = orjson.dumps({"error": word})
    head = b"content-type: application/json\r\n%scontent-length: %d\r\n\r\n"
    return STATUS_LINE[status] + head % (b"connection: close\r\n" if close else b"", len(body)) + body
