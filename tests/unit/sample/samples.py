"""One request from Slack for each listener: what the listener reads, and little else."""

from __future__ import annotations

import json
from typing import Any

from anchorbolt_sample.approval import Approval

from tests.unit.sample.slack import BOT_USER

APPROVAL = Approval(
    key="delivery-1", title="A new desk", category="Equipment", requester="U-ada", approver="U-grace", link=""
)
TEAM = {"id": "T1", "domain": "acme"}
PERSON = {"user": {"id": "U-ada", "team_id": "T1"}, "team": TEAM, "trigger_id": "1.2.a"}


def event(**fields: Any) -> dict[str, Any]:
    """An Events API request around one event."""
    return {"type": "event_callback", "api_app_id": "A1", "team_id": "T1", "event_id": "Ev1", "event": fields}


def command(text: str = "") -> dict[str, Any]:
    """A slash command."""
    return {
        "command": "/approval",
        "text": text,
        "trigger_id": "1.2.a",
        "team_id": "T1",
        "user_id": "U-ada",
        "channel_id": "C1",
    }


def global_shortcut() -> dict[str, Any]:
    """The shortcut that is about nothing."""
    return {**PERSON, "type": "shortcut", "callback_id": "request_approval"}


def message_shortcut(**fields: Any) -> dict[str, Any]:
    """The shortcut on a message."""
    return {
        **PERSON,
        "type": "message_action",
        "callback_id": "request_approval_from_message",
        "channel": {"id": "C1"},
        "message_ts": "1760000001.000200",
        "message": {"type": "message", "text": "Tom &amp; Jerry\nneed a desk", "ts": "1760000001.000200"},
        **fields,
    }


def suggestion(value: str = "") -> dict[str, Any]:
    """What a person typed into the form's category."""
    return {
        **PERSON,
        "type": "block_suggestion",
        "action_id": "category",
        "block_id": "category",
        "value": value,
        "view": {"type": "modal", "callback_id": "approval"},
    }


def submission(approver: str = "U-grace", link: str = "") -> dict[str, Any]:
    """The form, filled in by U-ada."""
    values = {
        "title": {"title": {"value": "A new desk"}},
        "category": {"category": {"selected_option": {"value": "Equipment"}}},
        "approver": {"approver": {"selected_user": approver}},
    }
    return {**PERSON, "type": "view_submission", "view": _view(link, values)}


def closed() -> dict[str, Any]:
    """The form, given up by U-ada."""
    return {**PERSON, "type": "view_closed", "is_cleared": False, "view": _view("", {})}


def _view(link: str, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "approval",
        "private_metadata": json.dumps({"title": "A desk", "link": link}),
        "state": {"values": values},
    }


def click(action_id: str, value: str | None, user: str = "U-grace", **fields: Any) -> dict[str, Any]:
    """A button in a message of the app."""
    action = {"type": "button", "action_id": action_id, "block_id": "b", "action_ts": "1.1"}
    return {
        **PERSON,
        "type": "block_actions",
        "user": {"id": user, "team_id": "T1"},
        "channel": {"id": "D-approver"},
        "message": {"ts": "1760000002.000100", "text": "..."},
        "actions": [action if value is None else {**action, "value": value}],
        **fields,
    }


def decision(action_id: str = "approval_approve", **fields: Any) -> dict[str, Any]:
    """The approver's click on a card."""
    return click(action_id, APPROVAL.to_json(), **fields)


def home_opened(tab: str = "home") -> dict[str, Any]:
    """A person looks at the app's home."""
    return event(type="app_home_opened", user="U-grace", channel="D-approver", tab=tab, event_ts="1.1")


def mention(**fields: Any) -> dict[str, Any]:
    """A person says the app's name in a channel."""
    return event(
        type="app_mention",
        user="U-ada",
        channel="C1",
        text=f"<@{BOT_USER}> a new desk",
        ts="1760000003.000100",
        **fields,
    )


def message(text: str = "approval: a new desk", **fields: Any) -> dict[str, Any]:
    """A person writes in a channel."""
    return event(
        type="message", user="U-ada", channel="C1", channel_type="channel", text=text, ts="1760000004.000100", **fields
    )


def reaction(item_user: str = BOT_USER) -> dict[str, Any]:
    """A person reacts to a message."""
    item = {"type": "message", "channel": "C1", "ts": "1760000005.000100"}
    return event(type="reaction_added", user="U-ada", reaction="tada", item_user=item_user, item=item, event_ts="1.1")


def step(approver: str = "U-grace") -> dict[str, Any]:
    """A workflow reaches the app's step."""
    return event(
        type="function_executed",
        function={"id": "Fn1", "callback_id": "request_approval"},
        function_execution_id="Fx1",
        inputs={"title": "A new desk", "category": "Equipment", "requester": "U-ada", "approver": approver},
        bot_access_token="xwfp-step",
    )


def thread_started() -> dict[str, Any]:
    """A person opens a conversation with the assistant."""
    thread = {"user_id": "U-grace", "channel_id": "D-approver", "thread_ts": "1.5", "context": {"channel_id": "C1"}}
    return event(type="assistant_thread_started", assistant_thread=thread, event_ts="1.6")


def context_changed() -> dict[str, Any]:
    """A person looks at another channel while the assistant is open."""
    thread = {"user_id": "U-grace", "channel_id": "D-approver", "thread_ts": "1.5", "context": {"channel_id": "C2"}}
    return event(type="assistant_thread_context_changed", assistant_thread=thread, event_ts="1.6")


def to_assistant(text: str) -> dict[str, Any]:
    """A person writes to the assistant."""
    return event(
        type="message",
        user="U-grace",
        channel="D-approver",
        channel_type="im",
        text=text,
        thread_ts="1.5",
        ts="1.7",
    )


def every() -> list[dict[str, Any]]:
    """A request for each way through each listener that calls the Web API, for tests that are about all of them."""
    in_a_workflow = {"function_data": {"execution_id": "Fx1"}, "bot_access_token": "xwfp-step"}
    return [
        command(),
        global_shortcut(),
        message_shortcut(),
        suggestion(),
        submission(),
        closed(),
        decision("approval_approve"),
        decision("approval_reject", **in_a_workflow),
        click("request_approval", None),
        home_opened(),
        mention(),
        message(),
        reaction(),
        step(),
        step(approver="U-ada"),
        thread_started(),
        context_changed(),
        to_assistant("What waits for me?"),
        to_assistant("How do I ask?"),
    ]
