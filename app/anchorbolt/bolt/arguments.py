"""Builds the arguments of a listener, only those that it asks for.

Bolt builds all thirty of them for each listener, which is a fifth of a dispatch. A listener that
asks for a name that is not in this table gets all of its arguments from Bolt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slack_bolt.request import BoltRequest, payload_utils
from slack_bolt.request.async_request import AsyncBoltRequest

KNOWN: dict[str, Callable[[AsyncBoltRequest | BoltRequest], Any]] = {
    "ack": lambda request: request.context.ack,
    "action": lambda request: payload_utils.to_action(request.body),
    "body": lambda request: request.body,
    "client": lambda request: request.context.client,
    "command": lambda request: payload_utils.to_command(request.body),
    "context": lambda request: request.context,
    "event": lambda request: payload_utils.to_event(request.body),
    "message": lambda request: payload_utils.to_message(request.body),
    "options": lambda request: payload_utils.to_options(request.body),
    "respond": lambda request: request.context.respond,
    "say": lambda request: request.context.say,
    "shortcut": lambda request: payload_utils.to_shortcut(request.body),
    "view": lambda request: payload_utils.to_view(request.body),
}


def build(names: Sequence[str], request: AsyncBoltRequest | BoltRequest) -> dict[str, Any] | None:
    """Returns the arguments by name; None when one of the names is not in the table."""
    try:
        return {name: KNOWN[name](request) for name in names}
    except KeyError:
        return None
