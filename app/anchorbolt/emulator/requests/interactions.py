"""Interactivity: actions, options, views and shortcuts. https://docs.slack.dev/reference/interaction-payloads

Each function makes one request, from what it is named by, the other fields that were given, and the scene (build.py).
"""

from __future__ import annotations

from anchorbolt.emulator.requests.elements import chosen, state_values
from anchorbolt.emulator.requests.fields import Fields, RequestFormatError, merged
from anchorbolt.emulator.requests.sample import Payload, Sample, as_payload
from anchorbolt.emulator.requests.shared_fields import channel_name, in_scene, key_of, label
from anchorbolt.emulator.scene import BOT_ID, TEAM_DOMAIN, Scene, fresh_id, fresh_trigger_id, fresh_ts


def action(action_id: str, fields: Fields, scene: Scene) -> Sample:
    """Somebody uses an element: a button unless `type` says otherwise, in a message or, with `view`, in a view."""
    scene = in_scene(fields, scene)
    trigger_id = fresh_trigger_id(scene.clock())
    kind = fields.text("type", "button")
    element: Payload = {
        "type": kind,
        "action_id": action_id,
        "block_id": fields.text("block_id", "block"),
        **chosen("action: value", kind, fields.take("value")),
        "action_ts": fresh_ts(scene.clock()),
    }
    text = fields.text_or_none("text")
    if kind == "button":
        element["text"] = label(action_id if text is None else text)
        if element["value"] is None:
            del element["value"]
    elif text is not None:
        raise RequestFormatError(f"action: text is the label of a button, and {kind} has none")
    payload = _by(scene, "block_actions") | {"trigger_id": trigger_id, "actions": [element]}
    payload |= _where(fields, scene)
    if "view" not in payload:
        payload["message"]["blocks"] = [
            {"type": "actions", "block_id": element["block_id"], "elements": [_shown(element)]}
        ]
        payload |= {
            "state": {"values": state_values(fields.mapping("state"))},
            "response_url": f"{scene.slack_url}response/actions/{trigger_id}",
        }
    return _finished("block_actions", "action", payload, fields)


def options(action_id: str, fields: Fields, scene: Scene) -> Sample:
    """Somebody types `value` into an external select, and Slack asks for what it shall offer."""
    scene = in_scene(fields, scene)
    payload = _by(scene, "block_suggestion") | {
        "action_id": action_id,
        "block_id": fields.text("block_id", "block"),
        "value": fields.text("value", ""),
    }
    return _finished("block_suggestion", "options", payload | _where(fields, scene), fields)


def view_submission(callback_id: str, fields: Fields, scene: Scene) -> Sample:
    """Somebody submits a modal, with `state` in its inputs."""
    scene = in_scene(fields, scene)
    payload = _by(scene, "view_submission") | {
        "trigger_id": fresh_trigger_id(scene.clock()),
        "view": _view(callback_id, fields, scene),
        "response_urls": [],
    }
    return _finished("view_submission", "view", payload, fields)


def view_closed(callback_id: str, fields: Fields, scene: Scene) -> Sample:
    """Somebody closes a modal. Slack gives no `trigger_id`, so the app makes a random key."""
    scene = in_scene(fields, scene)
    payload = _by(scene, "view_closed") | {"view": _view(callback_id, fields, scene), "is_cleared": False}
    return _finished("view_closed", "view", payload, fields)


def shortcut(callback_id: str, fields: Fields, scene: Scene) -> Sample:
    """Somebody picks a global shortcut: there is no channel."""
    scene = in_scene(fields, scene)
    payload = _by(scene, "shortcut") | {
        "callback_id": callback_id,
        "trigger_id": fresh_trigger_id(scene.clock()),
        "action_ts": fresh_ts(scene.clock()),
    }
    return _finished("shortcut", "shortcut", payload, fields)


def message_shortcut(callback_id: str, fields: Fields, scene: Scene) -> Sample:
    """Somebody picks a shortcut on a message, whose words are `text`."""
    scene = in_scene(fields, scene)
    now = scene.clock()
    trigger_id = fresh_trigger_id(now)
    channel = fields.text("channel", scene.channel_id)
    ts = fields.text("ts", fresh_ts(now))
    message: Payload = {"type": "message", "user": scene.user_id, "text": fields.text("text", ""), "ts": ts}
    thread_ts = fields.text_or_none("thread_ts")
    payload = _by(scene, "message_action") | {
        "callback_id": callback_id,
        "trigger_id": trigger_id,
        "action_ts": fresh_ts(now),
        "response_url": f"{scene.slack_url}response/app/{trigger_id}",
        "message_ts": ts,
        "channel": {"id": channel, "name": channel_name(channel)},
        "message": message | {"team": scene.team_id} | ({"thread_ts": thread_ts} if thread_ts else {}),
    }
    return _finished("message_action", "shortcut", payload, fields)


def _finished(kind: str, family: str, payload: Payload, fields: Fields) -> Sample:
    """Merges `payload` into what was made, and refuses the fields that are left."""
    payload = merged(payload, fields.mapping("payload"))
    fields.finish()
    try:
        return as_payload(kind, family, payload, None if family == "options" else key_of(family, payload))
    except TypeError as error:
        raise RequestFormatError(
            f"{fields.kind}: a value cannot be written as JSON ({error}): put it in quotes"
        ) from None


def _by(scene: Scene, kind: str) -> Payload:
    return {
        "type": kind,
        "user": {"id": scene.user_id, "username": "ada", "name": "ada", "team_id": scene.team_id},
        "api_app_id": scene.app_id,
        "token": "made-up",
        "team": {"id": scene.team_id, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _shown(element: Payload) -> Payload:
    """An element as the message holds it: without what was chosen and when."""
    return {name: element[name] for name in ("type", "action_id", "text", "value") if name in element}


def _where(fields: Fields, scene: Scene) -> Payload:
    """The view that an element is in, or the message of the bot's."""
    callback_id = fields.text_or_none("view")
    if callback_id is not None:
        view = _view(callback_id, fields, scene)
        return {"container": {"type": "view", "view_id": view["id"]}, "view": view}
    channel = fields.text("channel", scene.channel_id)
    ts = fields.text("ts", scene.thread_ts or fresh_ts(scene.clock()))
    thread_ts = fields.text_or_none("thread_ts")
    in_thread = {} if thread_ts is None else {"thread_ts": thread_ts}
    message: Payload = {"type": "message", "user": scene.bot_user_id, "bot_id": BOT_ID, "app_id": scene.app_id}
    message |= {"team": scene.team_id, "text": "", "ts": ts, "blocks": [], **in_thread}
    return {
        "container": {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel,
            "is_ephemeral": False,
            **in_thread,
        },
        "channel": {"id": channel, "name": channel_name(channel)},
        "message": message,
    }


def _view(callback_id: str, fields: Fields, scene: Scene) -> Payload:
    """A modal as Slack sends it back."""
    view_id = fresh_id("V")
    return {
        "id": view_id,
        "team_id": scene.team_id,
        "type": "modal",
        "blocks": [],
        "private_metadata": fields.text("private_metadata", ""),
        "callback_id": callback_id,
        "state": {"values": state_values(fields.mapping("state"))},
        "hash": f"{int(scene.clock())}.{fresh_id('h')}",
        "title": label(callback_id),
        "clear_on_close": False,
        "notify_on_close": False,
        "close": None,
        "submit": None,
        "previous_view_id": None,
        "root_view_id": view_id,
        "app_id": scene.app_id,
        "external_id": "",
        "app_installed_team_id": scene.team_id,
        "bot_id": BOT_ID,
    }
