"""A request to the receiver: all of it is there, or its body has yet to be read over ASGI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.types import Message, Receive, Scope

from anchorbolt.delivery.delivery import FORM, JSON
from anchorbolt.errors import RefusedError
from anchorbolt.timers import Timeout

CONTENT_TYPES = {content_type.encode(): content_type for content_type in (JSON, FORM)}
TOO_LARGE = RefusedError(413, "too_large")


class Request(Protocol):
    """One request."""

    @property
    def method(self) -> str:
        """In capitals."""

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """Their names in small letters; of several with one name, the last."""

    @property
    def query(self) -> bytes:
        """What follows the question mark."""

    async def body(self, max_bytes: int, read_by: float) -> bytes:
        """The raw bytes. `read_by` is on the loop's clock. Raises RefusedError: 413 over the size, 408 when late."""


class Whole:
    """A POST that arrived in one piece, without a query."""

    __slots__ = ("_body", "headers")
    method = "POST"
    query = b""

    def __init__(self, headers: dict[bytes, bytes], body: bytes) -> None:
        self.headers = headers
        self._body = body

    async def body(self, max_bytes: int, read_by: float) -> bytes:
        """Nobody has to wait for it."""
        if len(self._body) > max_bytes:
            raise TOO_LARGE
        return self._body


class Streamed:
    """A request over ASGI: not too much of its body is read, and not for too long."""

    __slots__ = ("_receive", "headers", "method", "query")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.query: bytes = scope["query_string"]
        self._receive = receive

    async def body(self, max_bytes: int, read_by: float) -> bytes:
        """Also refuses (400) what nobody waits for any more."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._next(read_by)
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > max_bytes:
                raise TOO_LARGE
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _next(self, read_by: float) -> Message:
        try:
            with Timeout(read_by):
                message = await self._receive()
        except TimeoutError:
            raise RefusedError(408, "slow_body") from None
        if message["type"] == "http.disconnect":
            raise RefusedError(400, "disconnected")
        return message


def check_head(request: Request, max_bytes: int) -> str:
    """Refuses by the head alone what need not be read: size (413), method (405), content type (415).

    Returns the content type, JSON or FORM.
    """
    headers = request.headers
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length[:20]) > max_bytes:
        raise TOO_LARGE
    if request.method != "POST":
        raise RefusedError(405, "method_not_allowed")
    written = headers.get(b"content-type", b"")
    content_type = CONTENT_TYPES.get(written) or CONTENT_TYPES.get(written.split(b";", 1)[0].strip().lower())
    if content_type is None:
        raise RefusedError(415, "unsupported_content_type")
    return content_type
