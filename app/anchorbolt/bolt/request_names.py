"""The names by which people know requests and listeners: `/deploy`, `approve`, `app_mention`.

Names only: nothing of what a user has typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from anchorbolt.bolt.index import ListenerIndex, constraint_of
from anchorbolt.delivery import Delivery, Kind

LONGEST = 80
UNNAMED = "without a name"

# The kind of what each of Bolt's matchers is for (slack_bolt.listener_matcher.builtins).
KIND_OF_MATCHER: Mapping[str, Kind] = {
    "event": Kind.EVENT,
    "message_event": Kind.EVENT,
    "function_executed": Kind.EVENT,
    "command": Kind.COMMAND,
    "shortcut": Kind.SHORTCUT,
    "global_shortcut": Kind.SHORTCUT,
    "message_shortcut": Kind.SHORTCUT,
    "action": Kind.ACTION,
    "block_action": Kind.ACTION,
    "attachment_action": Kind.ACTION,
    "dialog_submission": Kind.ACTION,
    "dialog_cancellation": Kind.ACTION,
    "view_submission": Kind.VIEW,
    "view_closed": Kind.VIEW,
    "options": Kind.OPTIONS,
    "block_suggestion": Kind.OPTIONS,
    "dialog_suggestion": Kind.OPTIONS,
}


def name_of(delivery: Delivery) -> str:
    """Returns the name that a listener for this request would be registered by."""
    payload = delivery.payload
    match delivery.kind:
        case Kind.EVENT:
            return _event(delivery.type, payload["event"])
        case Kind.COMMAND:
            return _plain(delivery.type)
        case Kind.VIEW:
            name = _plain(_of(payload.get("view"), "callback_id"))
            return _closed(name) if delivery.type == "view_closed" else name
        case _:
            actions = payload.get("actions")
            action = _of(actions[0], "action_id") if isinstance(actions, list) and actions else None
            return _plain(action or payload.get("action_id") or payload.get("callback_id"))


def registered(listeners: ListenerIndex, kind: str) -> list[str]:
    """Returns the names that listeners of a kind are registered by, each once; `pattern ...`: a regular expression."""
    found: dict[str, None] = {}
    for listener in listeners.all():
        constraint = constraint_of(listener.matchers[0]) if listener.matchers else None
        if constraint is None or KIND_OF_MATCHER.get(constraint[0]) != kind:
            continue
        matcher, wanted = constraint
        name = f"pattern {wanted.pattern}" if isinstance(wanted, re.Pattern) else _plain(wanted)
        if matcher == "function_executed":
            name = _function(name)
        found[_closed(name) if matcher == "view_closed" else name] = None
    return list(found)


def _event(of: str, event: Mapping[str, Any]) -> str:
    if of == "function_executed":
        return _function(_plain(_of(event.get("function"), "callback_id")))
    subtype = event.get("subtype")
    return _plain(f"{of} ({subtype})" if isinstance(subtype, str) else of)


def _function(name: str) -> str:
    return f"function_executed ({name})"


def _closed(name: str) -> str:
    return f"{name} (closed)"


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _plain(name: Any) -> str:
    """Makes a name fit for a line: whoever sends a request chooses it."""
    if not isinstance(name, str) or not name:
        return UNNAMED
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:LONGEST])
    return shown if len(name) <= LONGEST else f"{shown}..."
