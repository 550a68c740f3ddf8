"""What the user sees when they act: the form and the card of the sample app."""

from __future__ import annotations

import json

from anchorbolt.emulator.requests.sample import Payload
from anchorbolt.emulator.requests.shared_fields import label
from anchorbolt.emulator.scene import BOT_ID, Scene, fresh_trigger_id, fresh_ts

TITLE = "A bigger boat"
CATEGORY = {"text": {"type": "plain_text", "text": "Equipment", "emoji": True}, "value": "equipment"}


METADATA = json.dumps({"title": TITLE, "link": ""})


def modal() -> Payload:
    """What the form holds beside the fields that every view has."""
    elements = {"title": "plain_text_input", "category": "external_select", "approver": "users_select"}
    return {
        "blocks": [
            {
                "type": "input",
                "block_id": name,
                "label": label(name.title()),
                "optional": False,
                "element": {"type": element, "action_id": name},
            }
            for name, element in elements.items()
        ],
        "title": label("Ask for an approval"),
        "notify_on_close": True,
        "close": label("Cancel"),
        "submit": label("Ask"),
    }


def filled(scene: Scene) -> Payload:
    """What the user entered into the form."""
    return {
        "title": {"title": TITLE if scene.text is None else scene.text},
        "category": {"category": {"type": "external_select", "selected_option": CATEGORY}},
        "approver": {"approver": {"type": "users_select", "selected_user": scene.approver_id}},
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
                    {"type": "button", "action_id": f"approval_{name}", "text": label(name.title()), "value": value}
                    for name in ("approve", "reject")
                ],
            },
        ],
    }
