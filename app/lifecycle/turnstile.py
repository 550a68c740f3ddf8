"""Requests that are refused before any work, answered as soon as they are whole: without scope, task or application.

At twice what a pod can take, every second request is refused: what a refusal costs is taken from the others
(docs/performance.md). So they pass by uvicorn's parser, which makes something of each header: this one only looks
where a request ends.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import orjson
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from app.errors import RefusedError
from app.lifecycle.without_click import STATUS_LINE
from app.receiver import sighting
from app.receiver.receiver import PATH

# How a request of Slack's begins. What begins otherwise, and is one, is answered all the same, only not so cheaply.
REQUEST_LINE = b"POST %s " % PATH.encode()

TurnsAway = Callable[[], RefusedError | None]


class Turnstile:
    """Of one connection. `turns_away`: why Slack's requests are refused before any work, if they are."""

    def __init__(self, turns_away: TurnsAway) -> None:
        self._turns_away = turns_away
        self._parser: HttpRequestParser | None = None
        self._begun = self._whole = 0
        self._close = False

    def answer(self, data: bytes) -> tuple[bytes, bool] | None:
        """The answer to what came between two requests, and whether it is the last one; None: it is for the others.

        Only to what is one whole request: the application knows how to wait for a body, and answers one by one.
        """
        if (refusal := self._turns_away()) is None or not data.startswith(REQUEST_LINE):
            return None
        if not self._is_one(data):
            self._parser = None  # it is somewhere inside of a request
            return None
        sighting.turned_away(refusal)
        return _answer(refusal.status, refusal.word, self._close), self._close

    def on_message_begin(self) -> None:
        """The parser's own hook."""
        self._begun += 1

    def on_message_complete(self) -> None:
        """The parser's own hook."""
        self._whole += 1
        parser = self._parser
        self._close = parser is None or parser.get_http_version() == "1.0" or not parser.should_keep_alive()

    def _is_one(self, data: bytes) -> bool:
        if self._parser is None:
            self._parser = HttpRequestParser(self)
        self._begun = self._whole = 0
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            return False
        return self._begun == self._whole == 1


@functools.cache  # there are as many as there are such refusals
def _answer(status: int, word: str, close: bool) -> bytes:
    body = orjson.dumps({"error": word})
    head = b"content-type: application/json\r\n%scontent-length: %d\r\n\r\n"
    return STATUS_LINE[status] + head % (b"connection: close\r\n" if close else b"", len(body)) + body


def last_answer(refusal: RefusedError) -> bytes:
    """The last answer of a connection."""
    return _answer(refusal.status, refusal.word, True)
