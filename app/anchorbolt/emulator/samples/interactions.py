"""A command, shortcuts, actions, views and options, as the sample app listens to them."""

from __future__ import annotations

from anchorbolt.emulator.requests.fields import Request
from anchorbolt.emulator.samples.events import text_of
from anchorbolt.emulator.samples.surfaces import METADATA, card, filled, modal
from anchorbolt.emulator.scene import Scene


def command(scene: Scene) -> Request:
    """`/approval` with the word `payload` in its text, because Bolt 1.30 misreads such a command."""
    return {"command": "/approval", "text": text_of(scene, "Ship the payload & 100 % of the café")}


def shortcut(scene: Scene) -> Request:
    """Somebody picks the app's global shortcut."""
    return {"shortcut": "request_approval"}


def message_action(scene: Scene) -> Request:
    """Somebody picks the app's shortcut on a message."""
    return {"message_shortcut": "request_approval_from_message", "text": text_of(scene, "We need a bigger boat")}


def block_suggestion(scene: Scene) -> Request:
    """Somebody types into the form's external select."""
    typed = {"options": "category", "block_id": "category", "value": text_of(scene, "e")}
    return typed | {"view": "approval", "private_metadata": METADATA, "payload": {"view": modal()}}


def view_submission(scene: Scene) -> Request:
    """Somebody submits the form."""
    form = {"view": "approval", "private_metadata": METADATA, "state": filled(scene)}
    return form | {"payload": {"view": modal()}}


def view_closed(scene: Scene) -> Request:
    """Somebody closes the form."""
    return {"view_closed": "approval", "private_metadata": METADATA, "payload": {"view": modal()}}


def block_actions(scene: Scene) -> Request:
    """The approver presses a button on a card."""
    message = card(scene)
    button = message["blocks"][1]["elements"][0]
    return {
        "action": button["action_id"],
        "text": button["text"]["text"],
        "value": button["value"],
        "block_id": "decision",
        "user": scene.approver_id,
        "channel": scene.dm_id,
        "ts": message["ts"],
        "payload": {"message": message},
    }
