"""What a request is answered with, whichever way it came by: over ASGI, or below it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import orjson
from starlette.responses import Response
from starlette.types import Send

from anchorbolt.errors import RefusedError

Header = tuple[bytes, bytes]

JSON_TYPE = (b"content-type", b"application/json")
CLOSE = (b"connection", b"close")
NO_RETRY = (b"x-slack-no-retry", b"1")
ALLOW = (b"allow", b"POST")

# Where a second try by Slack would be refused for the same reason.
HOPELESS = frozenset({400, 405, 413, 415})
# The rest of the body is not read.
UNREAD = frozenset({408, 413})
# How long the answer is, and what becomes of the connection, is said by us.
OURS = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"date"})
WITHOUT_BODY = frozenset({204, 304})
NO_NAME = re.compile(rb'[\x00-\x1f\x7f()<>@,;:\[\]={} \t\\"]')
NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(slots=True)
class Answer:
    """One answer. `closes`: it is the last one of its connection."""

    status_code: int
    headers: tuple[Header, ...]
    body: bytes = b""
    closes: bool = False


def answer(status: int, body: bytes, *headers: Header, closes: bool = False) -> Answer:
    """With its length."""
    return Answer(status, ((b"content-length", b"%d" % len(body)), *headers), body, closes)


ACCEPTED = answer(200, b"")


def refusal(error: RefusedError) -> Answer:
    """What a RefusedError is answered with."""
    return refused(error.status, error.word)


@functools.cache  # there are as many as there are words
def refused(status: int, word: str) -> Answer:
    """The same by its parts."""
    headers = [JSON_TYPE]
    if status in HOPELESS:
        headers.append(NO_RETRY)
    if status == 405:
        headers.append(ALLOW)
    return answer(status, orjson.dumps({"error": word}), *headers, closes=status in UNREAD)


def from_response(response: Response) -> Answer:
    """What Bolt's adapter made. A listener may have written its headers: RuntimeError for what is no HTTP."""
    status = response.status_code
    if not 200 <= status < 600:
        raise RuntimeError(f"no status of an answer: {status}")
    headers = [header for header in response.raw_headers if header[0] not in OURS]
    if any(NO_NAME.search(name) or NO_VALUE.search(value) for name, value in headers):
        raise RuntimeError("an answer with a header that HTTP does not allow")
    if status in WITHOUT_BODY:
        return Answer(status, tuple(headers))
    return answer(status, bytes(response.body), *headers)


async def send_answer(send: Send, answer: Answer) -> None:
    """The way over ASGI."""
    headers = [*answer.headers, CLOSE] if answer.closes else list(answer.headers)
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
