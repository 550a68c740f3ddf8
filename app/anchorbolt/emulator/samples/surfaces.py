"""What the user sees when they act: the form and the card of the sample app."""

from __future__ import annotations

import json

from anchorbolt.emulator.samples.sample import Payload
from anchorbolt.emulator.scene import BOT_ID, Scene, fresh_id, fresh_trigger_id, fresh_ts

TITLE = "A bigger boat"
CATEGORY = {"text": {"type": "plain_text", "text": "Equipment", "emoji": True}, "value": "equipment"}


def _label(text: str) -> Payload:
    return {"type": "plain_text", "text": text, "emoji": True}


def modal(scene: Scene, *, filled: bool = False) -> Payload:
    """The form as Slack sends it back. With `filled`, it holds what the user entered."""
    view_id = fresh_id("V")
    elements = {"title": "plain_text_input", "category": "external_select", "approver": "users_select"}
    chosen = {
        "title": {"title": {"type": "plain_text_input", "value": TITLE if scene.text is None else scene.text}},
        "category": {"category": {"type": "external_select", "selected_option": CATEGORY}},
        "approver": {"approver": {"type": "users_select", "selected_user": scene.approver_id}},
    }
    return {
        "id": view_id,
        "team_id": scene.team_id,
        "type": "modal",
        "blocks": [
            {
                "type": "input",
                "block_id": name,
                "label": _label(name.title()),
                "optional": False,
                "element": {"type": element, "action_id": name},
            }
            for name, element in elements.items()
        ],
        "private_metadata": json.dumps({"title": TITLE, "link": ""}),
        "callback_id": "approval",
        "state": {"values": chosen if filled else {}},
        "hash": f"{int(scene.clock())}.{fresh_id('h')}",
        "title": _label("Ask for an approval"),
        "clear_on_close": False,
        "notify_on_close": True,
        "close": _label("Cancel"),
        "submit": _label("Ask"),
        "previous_view_id": None,
        "root_view_id": view_id,
        "app_id": scene.app_id,
        "external_id": "",
        "app_installed_team_id": scene.team_id,
        "bot_id": BOT_ID,
    }


def card(scene: Scene) -> Payload:
    """The message that asks for a decision; each button carries the whole request in its `value`."""
    request = {
        "key": f"view:{fresh_trigger_id(scene.clock())}",
        "title": TITLE if scene.text is None else scene.text,
        "category": "equipment",
    }
    request |= {"requester": scene.user_id, "approver": scene.approver_id, "link": ""}
    value = json.dumps(request)
    return {
        "type": "message",
        "user": scene.bot_user_id,
        "bot_id": BOT_ID,
        "app_id": scene.app_id,
        "team": scene.team_id,
        "text": f"<@{scene.user_id}> asks: {request['title']}",
        "ts": scene.thread_ts or fresh_ts(scene.clock()),
        "blocks": [
            {"type": "section", "block_id": "request", "text": {"type": "mrkdwn", "text": request["title"]}},
            {
                "type": "actions",
                "block_id": "decision",
                "elements": [
                    {"type": "button", "action_id": f"approval_{name}", "text": _label(name.title()), "value": value}
                    for name in ("approve", "reject")
                ],
            },
        ],
    }
