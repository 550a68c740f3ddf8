"""Reads the body of a request: not too much of it, and not for too long."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope

from app.delivery.delivery import FORM, JSON
from app.errors import RefusedError
from app.timers import Timeout


def check_head(scope: Scope, headers: dict[bytes, bytes], max_bytes: int) -> str:
    """Refuses by the head alone what need not be read: size (413), method (405), content type (415).

    Returns the content type, JSON or FORM.
    """
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length[:20]) > max_bytes:
        raise RefusedError(413, "too_large")
    if scope["method"] != "POST":
        raise RefusedError(405, "method_not_allowed")
    content_type = headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower().decode("latin-1")
    if content_type not in (JSON, FORM):
        raise RefusedError(415, "unsupported_content_type")
    return content_type


async def read(receive: Receive, max_bytes: int, read_by: float) -> bytes:
    """The raw bytes. `read_by` is on the loop's clock. Raises RefusedError: 413 over the size, 408 when it is late."""
    message = await _next(receive, read_by)
    body: bytes = message.get("body", b"")
    if len(body) > max_bytes:
        raise RefusedError(413, "too_large")
    if not message.get("more_body", False):
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await _next(receive, read_by)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise RefusedError(413, "too_large")
        parts.append(part)
    return b"".join(parts)


async def _next(receive: Receive, read_by: float) -> Message:
    try:
        with Timeout(read_by):
            message = await receive()
    except TimeoutError:
        raise RefusedError(408, "slow_body") from None
    if message["type"] == "http.disconnect":
        raise RefusedError(400, "disconnected")
    return message
