"""What an interactive payload must hold for Bolt to walk through it. Slack's always do; what does not is refused.

Events are not looked at so closely: one that nobody expected is stored, and seen as a dead letter instead of lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# Objects, wherever they are; Slack writes null where one does not apply (the team of an org-wide installation).
OBJECTS = ("user", "team", "channel", "enterprise", "view", "container", "message")
# Texts, wherever they are: installations are looked up by the ids, and Bolt takes what has a command for one.
TEXTS = ("command", "team_id", "enterprise_id", "user_id", "api_app_id")

NAMED = {
    "shortcut": "callback_id",
    "message_action": "callback_id",
    "interactive_message": "callback_id",
    "dialog_submission": "callback_id",
    "dialog_cancellation": "callback_id",
    "workflow_step_edit": "callback_id",
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
    if not all(isinstance(payload.get(name), str | None) for name in TEXTS):
        return False
    if of in NAMED and not isinstance(payload.get(NAMED[of]), str):
        return False
    return of not in PARTS or PARTS[of](payload)


def _has_actions(payload: Mapping[str, Any]) -> bool:
    actions: Any = payload.get("actions")
    return (
        bool(actions) and _are_objects(actions) and all(isinstance(one.get("block_id"), str | None) for one in actions)
    )


def _has_named_actions(payload: Mapping[str, Any]) -> bool:
    return _has_actions(payload) and all(isinstance(action.get("action_id"), str) for action in payload["actions"])


def _has_view(payload: Mapping[str, Any]) -> bool:
    view = payload.get("view")
    # One without a callback_id reaches no listener of Bolt's, and harms none.
    return isinstance(view, dict) and isinstance(view.get("callback_id", ""), str)


def _has_typed_view(payload: Mapping[str, Any]) -> bool:
    return _has_view(payload) and isinstance(payload["view"].get("type"), str)


def _has_step(payload: Mapping[str, Any]) -> bool:
    return isinstance(payload.get("workflow_step"), dict)


def _are_objects(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, dict) for value in values)


# Beside their names
PARTS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "block_actions": _has_named_actions,
    "interactive_message": _has_actions,
    # Bolt asks both whether they are of a workflow's step, which it does not serve any more.
    "view_submission": _has_typed_view,
    "workflow_step_edit": _has_step,
    "view_closed": _has_view,
}
