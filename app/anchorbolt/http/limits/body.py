"""Limits the body of a request: what its head may declare, how large the body may be, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Message, Receive, Scope

from anchorbolt.delivery.delivery import FORM, JSON
from anchorbolt.errors import RefusedError
from anchorbolt.timers import Timeout

CONTENT_TYPES = {content_type.encode(): content_type for content_type in (JSON, FORM)}
TOO_LARGE = RefusedError(413, "too_large")


def check_head(scope: Scope, headers: Mapping[bytes, bytes], max_bytes: int) -> str:
    """Refuses by the head alone what need not be read.

    Returns the content type, JSON or FORM. Raises RefusedError: 413 for a declared length above `max_bytes`, 405 for
    any method but POST, 415 for another content type; in this order.
    """
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length[:20]) > max_bytes:
        raise TOO_LARGE
    if scope["method"] != "POST":
        raise RefusedError(405, "method_not_allowed")
    declared = headers.get(b"content-type", b"")
    content_type = CONTENT_TYPES.get(declared) or CONTENT_TYPES.get(declared.split(b";", 1)[0].strip().lower())
    if content_type is None:
        raise RefusedError(415, "unsupported_content_type")
    return content_type


async def read_body(receive: Receive, max_bytes: int, read_by: float) -> bytes:
    """Returns the whole body. `read_by` is a time of the event loop's clock.

    Raises RefusedError: 413 when it is larger than `max_bytes`, 408 when it is not there in time, 400 when the client
    went away.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await _next(receive, read_by)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise TOO_LARGE
        if not message.get("more_body", False):
            return b"".join([*parts, part]) if parts else part
        parts.append(part)


async def _next(receive: Receive, read_by: float) -> Message:
    try:
        with Timeout(read_by):
            message = await receive()
    except TimeoutError:
        raise RefusedError(408, "slow_body") from None
    if message["type"] == "http.disconnect":
        raise RefusedError(400, "disconnected")
    return message
