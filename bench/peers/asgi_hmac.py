"""Raw ASGI with the signature alone: what uvicorn leaves to any app. Runs no listener, reads no JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bench.peers.serve import Asked, serve
from bench.peers.signature import is_valid

_HEADERS = [(b"content-length", b"0")]


async def endpoint(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] != "http":
        return
    headers = dict(scope["headers"])
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    valid = is_valid(headers.get(b"x-slack-request-timestamp", b""), headers.get(b"x-slack-signature", b""), body)
    await send({"type": "http.response.start", "status": 200 if valid else 401, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b""})


def build(asked: Asked) -> Any:
    del asked
    return endpoint


if __name__ == "__main__":
    serve(build)
