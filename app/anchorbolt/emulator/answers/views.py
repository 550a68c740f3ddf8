"""The methods that open and change views: views.*."""

from __future__ import annotations

from anchorbolt.emulator.answers.shape import Answer, Arguments, decoded, failed
from anchorbolt.emulator.messages import Messages
from anchorbolt.emulator.scene import APP_ID, BOT_ID, TEAM_ID, fresh_id, is_expired


def open_view(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """Opens or pushes a modal, unless its `trigger_id` is expired."""
    trigger_id = arguments.get("trigger_id")
    if not trigger_id:
        return failed("invalid_arguments")
    return failed("expired_trigger_id") if is_expired(str(trigger_id), now) else show_view(arguments, messages, now)


def show_view(arguments: Arguments, messages: Messages, now: float) -> Answer:
    """Shows a view: updates a modal or publishes a home tab."""
    view = decoded(arguments.get("view"))
    if not isinstance(view, dict):
        return failed("invalid_arguments")
    view_id = arguments.get("view_id") or fresh_id("V")
    shown = {"id": view_id, "team_id": TEAM_ID, "app_id": APP_ID, "bot_id": BOT_ID, "root_view_id": view_id}
    shown |= {"previous_view_id": None, "hash": f"{int(now)}.{fresh_id('h')}", "state": {"values": {}}}
    return {"ok": True, "view": view | shown}
