"""Samples look like Slack's requests to Slack's own libraries, and no two are the same."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from anchorbolt.emulator.samples import SAMPLES, Sample, make
from anchorbolt.emulator.scene import Scene
from slack_bolt.request import payload_utils
from slack_bolt.request.async_request import AsyncBoltRequest

EVENTS = [kind for kind in SAMPLES if make(kind).family == "event"]
INTERACTIONS = {
    "shortcut": payload_utils.is_global_shortcut,
    "message_action": payload_utils.is_message_shortcut,
    "block_suggestion": payload_utils.is_block_suggestion,
    "view_submission": payload_utils.is_view_submission,
    "block_actions": payload_utils.is_block_actions,
    "view_closed": payload_utils.is_view_closed,
}


def payload_of(sample: Sample) -> dict[str, Any]:
    """What a sample says, whatever its encoding."""
    if sample.content_type == "application/json":
        decoded: dict[str, Any] = json.loads(sample.body)
        return decoded
    form = {name: values[0] for name, values in parse_qs(sample.body.decode(), strict_parsing=True).items()}
    return json.loads(form["payload"]) if "payload" in form else form


def test_every_kind_that_slack_sends_has_a_sample() -> None:
    """Each kind that the app must take is among the samples."""
    kinds = "app_mention message reaction_added app_home_opened assistant_thread_started command block_actions shortcut"
    kinds += " message_action view_submission view_closed block_suggestion function_executed url_verification"
    assert {*kinds.split(), "ssl_check", "app_rate_limited"} <= set(SAMPLES)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_sample_is_fresh_each_time(kind: str) -> None:
    """Two samples of one kind differ in their bodies and, where they have one, in their keys."""
    one, two = make(kind), make(kind)
    if kind not in ("ssl_check", "app_rate_limited"):
        assert one.body != two.body
    if one.key is not None:
        assert one.key != two.key


@pytest.mark.parametrize("kind", EVENTS)
def test_bolt_takes_an_event_for_an_event(kind: str) -> None:
    """Bolt sees an event of the type that the sample is named for, and finds user and team in it."""
    sample = make(kind)
    request = AsyncBoltRequest(body=sample.body.decode(), headers={"content-type": sample.content_type})
    assert payload_utils.is_event(request.body)
    assert request.body["event"]["type"] == ("message" if kind == "assistant_message" else kind)
    assert request.context.team_id == Scene().team_id
    assert sample.key == f"{request.body['api_app_id']}:{request.body['event_id']}"


@pytest.mark.parametrize(("kind", "is_kind"), INTERACTIONS.items())
def test_bolt_takes_an_interaction_for_what_it_is(kind: str, is_kind: Any) -> None:
    """Bolt sees each kind of interactivity as that kind alone, with its user and team."""
    sample = make(kind)
    request = AsyncBoltRequest(body=sample.body.decode(), headers={"content-type": sample.content_type})
    assert is_kind(request.body)
    assert [name for name, other in INTERACTIONS.items() if other(request.body)] == [kind]
    assert request.context.user_id is not None
    assert request.context.team_id == Scene().team_id


def test_bolt_takes_a_command_for_a_command() -> None:
    """A command is a flat form, read without Bolt's mistake about the word payload in its text."""
    payload = payload_of(make("command"))
    assert payload_utils.is_slash_command(payload)
    assert "payload" in payload["text"]


@pytest.mark.parametrize("kind", ["command", "shortcut", "message_action", "view_submission", "block_actions"])
def test_a_key_holds_the_trigger_id(kind: str) -> None:
    """The key of an interaction is the family and the trigger_id in its payload."""
    sample = make(kind)
    assert sample.key == f"{sample.family}:{payload_of(sample)['trigger_id']}"


@pytest.mark.parametrize("kind", ["command", "message_action", "block_actions"])
def test_a_response_url_leads_to_the_emulator(kind: str) -> None:
    """Nothing that a listener answers by response_url leaves the machine."""
    payload = payload_of(make(kind, Scene(slack_url="http://127.0.0.1:4/")))
    assert payload["response_url"].startswith("http://127.0.0.1:4/response/")


def test_a_scene_moves_a_sample_elsewhere() -> None:
    """Channel, user, text and thread of a message are the scene's."""
    scene = Scene(channel_id="C0ELSE", user_id="U0ELSE", text="approval: seven", thread_ts="1.2")
    event = payload_of(make("message", scene))["event"]
    assert (event["channel"], event["user"], event["text"], event["thread_ts"]) == (
        "C0ELSE",
        "U0ELSE",
        "approval: seven",
        "1.2",
    )


def test_a_kind_without_a_sample_is_an_error() -> None:
    """Asking for a kind that Slack does not have fails at once."""
    with pytest.raises(KeyError):
        make("telegram")
