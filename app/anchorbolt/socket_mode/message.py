"""The messages that Slack sends over a connection: hello, disconnect, and envelopes with a request in them.

https://docs.slack.dev/apis/events-api/using-socket-mode/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from slack_sdk.socket_mode.request import SocketModeRequest

from anchorbolt.delivery import json_text
from anchorbolt.delivery.delivery import FORM, JSON

EVENTS, COMMANDS, INTERACTIVE = "events_api", "slash_commands", "interactive"


@dataclass(frozen=True, slots=True)
class Hello:
    """The connection is open. `connections`: how many this app has now, including this one."""

    connections: int


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Slack will close the connection soon, or refuses it. `reason` is Slack's word for why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request as the bytes that Slack would have posted over HTTP.

    So a delivery is stored in the same form whichever transport it arrived by, and any process can run it.
    """

    id: str
    content_type: str
    body: bytes = field(repr=False)
    retry_num: int
    retry_reason: str | None


def read(text: str) -> Hello | Disconnect | Envelope | None:
    """Reads a message. Returns None for an unknown kind. Never raises, so that no message ends the connection."""
    try:
        message = json_text.read(text)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    match message.get("type"):
        case "hello":
            count = message.get("num_connections")
            return Hello(count if isinstance(count, int) else 1)
        case "disconnect":
            return Disconnect(str(message.get("reason") or "unknown"))
    try:
        request = SocketModeRequest.from_dict(message)
    except (ValueError, TypeError):  # slack_sdk intends the first and raises the second
        request = None
    if request is None or not isinstance(request.envelope_id, str):
        return None
    try:
        content_type, body = _as_posted(request.type, request.payload)
    except ValueError:  # it cannot be encoded: an empty body is refused like one that cannot be read
        content_type, body = JSON, b""
    retries = request.retry_attempt
    reason = request.retry_reason
    return Envelope(
        request.envelope_id,
        content_type,
        body,
        retries if isinstance(retries, int) else 0,
        reason if isinstance(reason, str) and reason else None,
    )


def _as_posted(kind: str, payload: Mapping[str, Any]) -> tuple[str, bytes]:
    """The content type and the body. An unknown kind is encoded as JSON; parsing refuses it by its type."""
    if kind == COMMANDS:
        given = {name: value for name, value in payload.items() if value is not None}
        return FORM, urlencode(
            {name: value if isinstance(value, str) else json_text.write(value) for name, value in given.items()}
        ).encode()
    if kind == INTERACTIVE:
        return FORM, urlencode({"payload": json_text.write(payload)}).encode()
    return JSON, json_text.write(payload).encode()
