"""The responses to Slack over HTTP: refusals, acknowledgements, and those that Bolt made."""

from __future__ import annotations

import functools
import re

import orjson
from starlette.responses import Response
from starlette.types import Message

from anchorbolt.errors import RefusedError
from anchorbolt.http.without_click import STATUS_LINE

# A retry by Slack would be refused for the same reason: https://docs.slack.dev/apis/events-api/#retries
NO_RETRY_STATUSES = frozenset({400, 405, 413, 415})
# The rest of the body is not read, so the connection cannot be used again.
CLOSING_STATUSES = frozenset({408, 413, 431})
# Headers that a listener must not set: uvicorn decides about the length of a response and about its connection.
SERVER_HEADERS = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"date"})
STATUSES_WITHOUT_BODY = frozenset({204, 304})
BAD_NAME = re.compile(rb'[\x00-\x1f\x7f()<>@,;:\[\]={} \t\\"]')
BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

ACKNOWLEDGEMENT = Response(b"")


def start_of(response: Response, request_id: str) -> Message:
    """The first of ASGI's two messages for a response, with X-Request-Id where `request_id` is not empty.

    The response itself stays as it is, because many requests may share it.
    """
    headers = response.raw_headers
    if request_id:
        headers = [*headers, (b"x-request-id", request_id.encode("ascii"))]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


def challenge(value: str) -> Response:
    """The answer to Slack's `url_verification`."""
    return Response(orjson.dumps({"challenge": value}), media_type="application/json")


def refusal(error: RefusedError) -> Response:
    """The response to a refused request: its status, and JSON with its word."""
    return _refusal(error.status, error.word)


@functools.cache  # one for each word
def _refusal(status: int, word: str) -> Response:
    headers = {}
    if status in NO_RETRY_STATUSES:
        headers["x-slack-no-retry"] = "1"
    if status == 405:
        headers["allow"] = "POST"
    if status in CLOSING_STATUSES:
        headers["connection"] = "close"
    return Response(orjson.dumps({"error": word}), status, headers, "application/json")


def refusal_as_bytes(error: RefusedError) -> bytes:
    """The same response as bytes, for what no ASGI application is asked about. It is the last one of its connection."""
    response = refusal(error)
    lines = [b"%b: %b\r\n" % header for header in response.raw_headers]
    if error.status not in CLOSING_STATUSES:
        lines.append(b"connection: close\r\n")
    return b"".join((STATUS_LINE[error.status], *lines, b"\r\n", bytes(response.body)))


def checked(response: Response) -> Response:
    """Returns a response of a listener's without the headers that the server decides about.

    Raises RuntimeError for a status or header that HTTP does not allow, before anything of it is sent.
    """
    if not 200 <= response.status_code < 600:
        raise RuntimeError(f"not a status of a response: {response.status_code}")
    headers = [header for header in response.raw_headers if header[0] not in SERVER_HEADERS]
    if any(BAD_NAME.search(name) or BAD_VALUE.search(value) for name, value in headers):
        raise RuntimeError("a response with a header that HTTP does not allow")
    if response.status_code in STATUSES_WITHOUT_BODY:
        response.body = b""
    else:
        headers.append((b"content-length", b"%d" % len(response.body)))
    response.raw_headers = headers
    return response
