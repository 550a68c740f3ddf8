"""Answers as they are written to a connection: head and body in one piece."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from anchorbolt.errors import RefusedError
from anchorbolt.http.answer import Answer, Header, refused
from anchorbolt.http.without_click import STATUS_LINE


def written(answer: Answer, server_headers: Sequence[Header], closes: bool) -> bytes:
    """`server_headers`: what the server says with each answer, its date. `closes`: it is the last one."""
    lines = [b"%b: %b\r\n" % header for header in (*server_headers, *answer.headers)]
    end = b"connection: close\r\n\r\n" if closes else b"\r\n"
    return b"".join((STATUS_LINE[answer.status_code], *lines, end, answer.body))


def turned_away(error: RefusedError, closes: bool) -> bytes:
    """The answer to what is refused before any work."""
    return _turned_away(error.status, error.word, closes)


@functools.cache  # there are as many as there are such refusals
def _turned_away(status: int, word: str, closes: bool) -> bytes:
    return written(refused(status, word), (), closes)
