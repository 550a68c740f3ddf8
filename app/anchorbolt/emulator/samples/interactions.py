"""Interactivity: shortcuts, actions, views and options."""

from __future__ import annotations

from anchorbolt.emulator.samples.sample import Payload, Sample, as_payload
from anchorbolt.emulator.samples.surfaces import card, modal
from anchorbolt.emulator.scene import TEAM_DOMAIN, Scene, fresh_trigger_id, fresh_ts


def _by(scene: Scene, kind: str, user_id: str) -> Payload:
    return {
        "type": kind,
        "user": {"id": user_id, "username": "ada", "name": "ada", "team_id": scene.team_id},
        "api_app_id": scene.app_id,
        "token": "made-up",
        "team": {"id": scene.team_id, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def shortcut(scene: Scene) -> Sample:
    """Somebody picks the app's global shortcut: there is no channel."""
    trigger_id = fresh_trigger_id(scene.clock())
    payload = _by(scene, "shortcut", scene.user_id)
    payload |= {"callback_id": "request_approval", "trigger_id": trigger_id, "action_ts": fresh_ts(scene.clock())}
    return as_payload("shortcut", "shortcut", payload, f"shortcut:{trigger_id}")


def message_action(scene: Scene) -> Sample:
    """Somebody picks the app's shortcut on a message."""
    now = scene.clock()
    trigger_id, ts = fresh_trigger_id(now), fresh_ts(now)
    text = "We need a bigger boat" if scene.text is None else scene.text
    payload = _by(scene, "message_action", scene.user_id) | {
        "callback_id": "request_approval_from_message",
        "trigger_id": trigger_id,
        "action_ts": fresh_ts(now),
        "response_url": f"{scene.slack_url}response/app/{trigger_id}",
        "message_ts": ts,
        "channel": {"id": scene.channel_id, "name": "general"},
        "message": {"type": "message", "user": scene.user_id, "text": text, "ts": ts, "team": scene.team_id},
    }
    return as_payload("message_action", "shortcut", payload, f"shortcut:{trigger_id}")


def block_suggestion(scene: Scene) -> Sample:
    """Somebody types into an external select: Slack asks for options and waits for them."""
    view = modal(scene)
    payload = _by(scene, "block_suggestion", scene.user_id) | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "action_id": "category",
        "block_id": "category",
        "value": "e" if scene.text is None else scene.text,
    }
    return as_payload("block_suggestion", "options", payload)


def view_submission(scene: Scene) -> Sample:
    """Somebody submits the form."""
    trigger_id = fresh_trigger_id(scene.clock())
    payload = _by(scene, "view_submission", scene.user_id)
    payload |= {"trigger_id": trigger_id, "view": modal(scene, filled=True), "response_urls": []}
    return as_payload("view_submission", "view", payload, f"view:{trigger_id}")


def view_closed(scene: Scene) -> Sample:
    """Somebody closes the form. Slack gives no `trigger_id`, so the app makes a random key."""
    payload = _by(scene, "view_closed", scene.user_id) | {"view": modal(scene), "is_cleared": False}
    return as_payload("view_closed", "view", payload)


def block_actions(scene: Scene) -> Sample:
    """The approver presses a button on a card."""
    now = scene.clock()
    trigger_id = fresh_trigger_id(now)
    message = card(scene)
    button = message["blocks"][1]["elements"][0]
    payload = _by(scene, "block_actions", scene.approver_id) | {
        "container": {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": scene.dm_id,
            "is_ephemeral": False,
        },
        "trigger_id": trigger_id,
        "channel": {"id": scene.dm_id, "name": "directmessage"},
        "message": message,
        "state": {"values": {}},
        "response_url": f"{scene.slack_url}response/actions/{trigger_id}",
        "actions": [button | {"block_id": "decision", "action_ts": fresh_ts(now)}],
    }
    return as_payload("block_actions", "action", payload, f"action:{trigger_id}")
