"""The keys of a delivery: what makes it the same one again, and its conversation. Its lane is in lanes.py.

The ingress computes the same conversation from the same bytes (ingress/README.md): a change here is a change there.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from anchorbolt.delivery.kinds import COMMAND, EVENT, Kind
from anchorbolt.delivery.paths import Path, as_identifier, identifier, text_named

MOST_CHARACTERS = 200

EVENT_CONVERSATION: tuple[Path, ...] = (
    ("event", "channel"),
    ("event", "item", "channel"),
    ("event", "channel", "id"),
    ("event", "channel_id"),
    ("event", "assistant_thread", "channel_id"),
    ("event", "user"),
    ("event", "user", "id"),
    ("event", "user_id"),
    ("team_id",),
    ("enterprise_id",),
)
COMMAND_CONVERSATION: tuple[Path, ...] = (("channel_id",), ("user_id",), ("team_id",))
INTERACTIVE_CONVERSATION: tuple[Path, ...] = (
    ("channel", "id"),
    ("container", "channel_id"),
    ("user", "id"),
    ("team", "id"),
    ("enterprise", "id"),
)
INTERACTIVE_WORKSPACE: tuple[Path, ...] = (("team", "id"), ("enterprise", "id"))
# Slack names it as the channel of a link in a message that is still being written, and the same for everybody. It is no
# conversation: all of them would go to one pod.
COMPOSER = "COMPOSER"


def conversation(kind: Kind, payload: Mapping[str, Any]) -> str | None:
    """What the ingress hashes to pick a pod; None when the first candidate that is there is no identifier."""
    if kind is EVENT:
        event = payload.get("event")
        channel = text_named(event, "channel") if isinstance(event, dict) else None
        if channel is not None and channel != COMPOSER:
            return as_identifier(channel)
        paths = EVENT_CONVERSATION[1:]
    elif kind is COMMAND:
        paths = COMMAND_CONVERSATION
    else:
        paths = INTERACTIVE_CONVERSATION
    return identifier(payload, paths)


def workspace(kind: Kind, payload: Mapping[str, Any]) -> str | None:
    """The workspace in which it happened; None where the payload names none, or no identifier."""
    if kind is EVENT or kind is COMMAND:  # the organization is named alone where it belongs to no single workspace
        return as_identifier(text_named(payload, "team_id") or text_named(payload, "enterprise_id"))
    return identifier(payload, INTERACTIVE_WORKSPACE)


def event_key(payload: Mapping[str, Any]) -> str:
    """The same for every retry of an event: `api_app_id:event_id`."""
    return _key(f"{payload.get('api_app_id') or ''}:{payload['event_id']}")


def interaction_key(kind: Kind, payload: Mapping[str, Any]) -> str:
    """Kind and `trigger_id`; random without one: Slack sends no interaction twice, and a `view.hash` comes again."""
    trigger_id = payload.get("trigger_id")
    if isinstance(trigger_id, str) and trigger_id:
        return _key(f"{kind}:{trigger_id}")
    return f"{kind}:{secrets.token_hex(16)}"


def _key(text: str) -> str:
    """Keys are stored and logged: what is too long or not printable is known by its hash."""
    # Printable ASCII, "!" to "~", without the space.
    if len(text) <= MOST_CHARACTERS and text.isascii() and text.isprintable() and " " not in text:
        return text
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
