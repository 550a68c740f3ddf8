"""A request that is written down in a few fields is one that Slack would send, and what cannot be meant is refused."""

from __future__ import annotations

from typing import Any

import pytest
from anchorbolt.delivery import Delivery, parse
from anchorbolt.emulator.requests import RequestFormatError, Sample, build
from anchorbolt.emulator.requests.elements import FIELD_OF
from anchorbolt.emulator.scene import Scene
from slack_bolt.request import payload_utils
from slack_bolt.request.async_request import AsyncBoltRequest

# What is written down, what Bolt takes it for, and what the delivery is called.
WRITTEN: list[tuple[dict[str, Any], Any, str]] = [
    ({"command": "/deploy", "text": "prod"}, payload_utils.is_slash_command, "/deploy"),
    ({"event": "app_mention", "text": "hi"}, payload_utils.is_event, "app_mention"),
    ({"event": "channel_created", "channel": {"id": "C1"}}, payload_utils.is_event, "channel_created"),
    ({"function": "step", "inputs": {"a": 1}}, payload_utils.is_function, "function_executed"),
    ({"action": "approve", "value": "1"}, payload_utils.is_block_actions, "block_actions"),
    ({"action": "approve", "view": "form"}, payload_utils.is_block_actions, "block_actions"),
    ({"options": "city", "value": "be"}, payload_utils.is_block_suggestion, "block_suggestion"),
    ({"view": "form", "state": {"b": {"a": "x"}}}, payload_utils.is_view_submission, "view_submission"),
    ({"view_closed": "form"}, payload_utils.is_view_closed, "view_closed"),
    ({"shortcut": "report"}, payload_utils.is_global_shortcut, "shortcut"),
    ({"message_shortcut": "report", "text": "words"}, payload_utils.is_message_shortcut, "message_action"),
]


def delivery(sample: Sample) -> Delivery:
    """The sample as the app reads it."""
    found = parse(sample.body, sample.content_type)
    assert isinstance(found, Delivery)
    return found


def payload_of(**fields: Any) -> dict[str, Any]:
    """What Slack would send for these fields."""
    return delivery(build(fields)).payload


@pytest.mark.parametrize(
    ("request_", "is_kind", "kind"), WRITTEN, ids=lambda value: getattr(value, "__name__", str(value))[:40]
)
def test_every_kind_is_what_it_says(request_: dict[str, Any], is_kind: Any, kind: str) -> None:
    """Bolt takes it for its kind, with the user and the team; the app derives the key that the sample says."""
    sample = build(request_, Scene(user_id="U1", team_id="T1"))
    found = delivery(sample)
    assert is_kind(found.payload)
    assert found.type == kind
    assert sample.key in {None, found.key}
    assert found.kind.value == sample.family
    context = AsyncBoltRequest(body=found.payload, mode="socket_mode").context
    assert context.team_id == "T1"


@pytest.mark.parametrize("request_", [written[0] for written in WRITTEN], ids=str)
def test_a_payload_is_merged_into_every_kind(request_: dict[str, Any]) -> None:
    """Whatever Slack sends can be written: `payload` goes into the result at any depth."""
    assert payload_of(**request_, payload={"api_app_id": "A1"})["api_app_id"] == "A1"


def test_a_payload_is_merged_deep() -> None:
    """Mappings are merged and everything else is replaced; a changed event_id is that of the key."""
    sample = build({"event": "message", "text": "a", "payload": {"event": {"blocks": [1]}, "event_id": "Ev1"}})
    event = delivery(sample).payload["event"]
    assert (event["text"], event["blocks"], sample.key) == ("a", [1], "A0ANCH0R:Ev1")


def test_user_channel_and_team_are_where_slack_has_them() -> None:
    """The common fields reach the place that they have in each kind."""
    of = {"user": "U1", "team": "T1"}
    assert payload_of(command="/x", channel="D1", **of)["channel_name"] == "directmessage"
    assert payload_of(event="message", channel="D1", **of)["event"]["channel_type"] == "im"
    reaction = payload_of(event="reaction_added", channel="C1", **of)["event"]
    assert (reaction["item"]["channel"], reaction["user"], "channel" in reaction) == ("C1", "U1", False)
    thread = payload_of(event="assistant_thread_started", thread_ts="1.2", **of)["event"]["assistant_thread"]
    assert (thread["user_id"], thread["thread_ts"]) == ("U1", "1.2")
    action = payload_of(action="a", channel="C1", ts="1.2", thread_ts="1.1", **of)
    assert action["user"] == {"id": "U1", "username": "ada", "name": "ada", "team_id": "T1"}
    assert action["container"] | {"thread_ts": "1.1"} == action["container"]
    assert (action["channel"]["id"], action["message"]["ts"], action["team"]["id"]) == ("C1", "1.2", "T1")


def test_fields_of_an_event_go_into_the_event() -> None:
    """An event may have any field, also one that is the name of a kind, and any type."""
    event = payload_of(event="message", subtype="message_changed", message={"text": "new"}, user="U1")["event"]
    assert (event["subtype"], event["message"], event["user"], "text" in event) == (
        "message_changed",
        {"text": "new"},
        "U1",
        False,
    )
    event = payload_of(event="brand_new", view={"id": "V1"}, channel="C1")["event"]
    assert event == {"type": "brand_new", "view": {"id": "V1"}, "channel": "C1", "event_ts": event["event_ts"]}


def test_an_action_is_in_a_message_or_in_a_view() -> None:
    """With `view` there is neither channel nor message; without it there is the message with the element."""
    in_message, in_view = payload_of(action="a", block_id="b"), payload_of(action="a", view="form")
    assert in_message["message"]["blocks"][0]["elements"][0]["action_id"] == "a"
    assert in_message["response_url"].startswith("http://127.0.0.1:3002/response/")
    assert (in_view["view"]["callback_id"], in_view.keys() & {"message", "channel", "response_url"}) == ("form", set())


@pytest.mark.parametrize("kind", FIELD_OF)
def test_a_value_stands_where_the_element_has_it(kind: str) -> None:
    """The value of an action and of an input is in the field of its type; a word becomes an option."""
    field = FIELD_OF[kind]
    given: Any = ["a"] if field.endswith("s") else "a"
    (action,) = payload_of(action="x", type=kind, value=given)["actions"]
    state = payload_of(view="form", state={"b": {"x": {"type": kind, "value": given}}})["view"]["state"]["values"]
    found = state["b"]["x"][field]
    assert (action["type"], action[field], state["b"]["x"]["type"]) == (kind, found, kind)
    if "option" in field:
        option = found[0] if isinstance(found, list) else found
        assert (option["value"], option["text"]["text"]) == ("a", "a")


def test_what_was_entered() -> None:
    """Text is a plain text input, None an empty one, and what Slack itself sends stays as it is."""
    entered = {"a": "words", "b": None, "c": {"selected_user": "U1"}, "d": {"type": "new", "selected_new": 1}}
    values = payload_of(view="form", state={"block": entered})["view"]["state"]["values"]["block"]
    assert values == {
        "a": {"type": "plain_text_input", "value": "words"},
        "b": {"type": "plain_text_input", "value": None},
        "c": {"type": "users_select", "selected_user": "U1"},
        "d": {"type": "new", "selected_new": 1},
    }


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, "names its kind by one of these fields: event, function"),
        ({"text": "hi"}, "names its kind"),
        ({"command": ""}, "command is empty"),
        ({"command": "/x", "colour": "red"}, "command has no field colour: it has channel, payload, team, text, user"),
        ({"view": "form", "command": "/x"}, "command has no field view"),
        ({"shortcut": "x", "channel": "C1"}, "shortcut has no field channel"),
        ({"command": "/x", "text": 1.5}, "text is text, not 1.5: put it in quotes"),
        ({"event": "message", "thread_ts": 1.5}, "thread_ts is text, not 1.5"),
        ({"event": "message", "at": {1, 2}}, "cannot be written as JSON"),
        ({"view": "form", "state": {"b": "x"}}, "b holds its actions"),
        ({"view": "form", "state": {"b": {"a": {"colour": "red"}}}}, "name its type"),
        ({"view": "form", "state": []}, "state is a mapping"),
        ({"action": "a", "type": "lever"}, "'lever' is no type of an element"),
        ({"action": "a", "type": "datepicker", "text": "x"}, "text is the label of a button"),
        ({"action": "a", "type": "checkboxes", "value": "x"}, "is a list"),
        ({"command": "/x", "payload": {"a": {}}}, "payload.a is text"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(written: dict[str, Any], said: str) -> None:
    """A field that a kind does not have, or a value of another type, is an error that says what to write."""
    with pytest.raises(RequestFormatError) as refusal:
        build(written)
    assert said in str(refusal.value)
