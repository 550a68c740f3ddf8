"""Tells the emulator of a message that `send` sends, because listeners read the thread that they are in."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import httpx

from anchorbolt.emulator.requests import Sample

_OF_EVENT = frozenset({"type", "channel", "channel_type", "event_ts"})  # a stored message has none of them
_WAIT_SECONDS = 2.0


async def tell(http: httpx.AsyncClient, emulator: str, sample: Sample) -> None:
    """Lets the emulator store the message of an event, as Slack has it stored before it sends the event.

    `emulator`: its address, ending in a slash. Nothing happens where no emulator is there, or for any other request.
    """
    event = _message_event(sample)
    if event is None:
        return
    message = {"type": "message", **{name: value for name, value in event.items() if name not in _OF_EVENT}}
    with contextlib.suppress(httpx.HTTPError):
        said = {"channel": event["channel"], "message": message}
        await http.post(f"{emulator}messages", json=said, timeout=_WAIT_SECONDS)


def _message_event(sample: Sample) -> dict[str, Any] | None:
    try:
        event = json.loads(sample.body)["event"]
        is_message = event["type"] in {"message", "app_mention"} and "subtype" not in event
        return event if is_message and isinstance(event["channel"], str) and isinstance(event["ts"], str) else None
    except (ValueError, KeyError, TypeError):  # no event, or one that somebody has written by hand
        return None
