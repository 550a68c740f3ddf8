"""What an interactive payload must hold for Bolt to walk through it. Slack's always do; what does not is refused.

Events are not looked at so closely: one that nobody expected is stored, and seen as a dead letter instead of lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Objects, wherever they are; Slack writes null where one does not apply (the team of an org-wide installation).
OBJECTS = ("user", "team", "channel", "enterprise", "view", "container", "message")

NAMED = {
    "shortcut": "callback_id",
    "message_action": "callback_id",
    "interactive_message": "callback_id",
    "dialog_submission": "callback_id",
    "dialog_cancellation": "callback_id",
    "dialog_suggestion": "callback_id",
    "block_suggestion": "action_id",
}


def is_interactive(payload: Mapping[str, Any]) -> bool:
    """Whether a payload holds what its type needs, and nothing that is not what its name says."""
    of = payload["type"]
    if not all(isinstance(payload.get(name), dict | None) for name in OBJECTS):
        return False
    # Not known in any interactive payload; Bolt walks through them all the same.
    if not (isinstance(payload.get("event", {}), dict) and _are_objects(payload.get("authorizations") or [])):
        return False
    if of in NAMED:
        return isinstance(payload.get(NAMED[of]), str)
    if of == "block_actions":
        return _are_actions(payload.get("actions"))
    if of in {"view_submission", "view_closed"}:
        return isinstance(payload.get("view"), dict)
    return True


def _are_actions(actions: Any) -> bool:
    return (
        _are_objects(actions) and bool(actions) and all(isinstance(action.get("action_id"), str) for action in actions)
    )


def _are_objects(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, dict) for value in values)
