"""Reads a call of a Web API method: its body, its arguments, and the address that it was sent to."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import BasicAuth
from starlette.types import Receive

from anchorbolt.emulator.multipart import parts


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    chunks = [body]
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


def read_arguments(content_type: bytes, query: bytes, body: bytes) -> dict[str, Any]:
    """Returns the arguments of a call. A body that cannot be read has none.

    Args:
        content_type: JSON, a form or a form in parts; it says how the body is read.
        query: of the URL; it wins over a form's.
        body: as it came.
    """
    if content_type.startswith(b"application/json"):
        try:
            decoded = orjson.loads(body)
        except orjson.JSONDecodeError:
            return {}
        return decoded if isinstance(decoded, dict) else {}
    if content_type.startswith(b"multipart/"):
        form, _ = parts(content_type, body)
    else:
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return form | dict(parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True)) if query else form


def client_of(authorization: bytes | None) -> dict[str, str]:
    """The client's id and secret, which slack_sdk sends by HTTP's own authentication."""
    try:
        client = BasicAuth.decode((authorization or b"").decode("latin-1"))
    except ValueError:  # none, or of another kind
        return {}
    return {"client_id": client.login, "client_secret": client.password}


def base_url(headers: dict[bytes, bytes]) -> str:
    """The emulator's address as the caller knows it, without a slash at its end."""
    return f"http://{headers.get(b'host', b'127.0.0.1').decode('latin-1')}"
