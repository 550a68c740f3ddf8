"""Slack's own client understands what the emulator answers."""

from __future__ import annotations

import json

import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.emulator.scene import BOT_USER_ID, TEAM_ID, fresh_trigger_id
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.unit.emulator.conftest import Clock

MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Hello"}, "blocks": []}


async def test_auth_test_names_the_bot(web: AsyncWebClient) -> None:
    """Bolt makes an authorization of auth.test that knows bot, bot user and team."""
    result = AuthorizeResult.from_auth_test_response(bot_token="xoxb-made-up", auth_test_response=await web.auth_test())
    assert (result.bot_user_id, result.team_id) == (BOT_USER_ID, TEAM_ID)
    assert result.bot_id is not None


async def test_a_call_without_a_token_is_not_authed(slack: Emulator) -> None:
    """Slack's first question is who calls."""
    with pytest.raises(SlackApiError, match="not_authed"):
        await AsyncWebClient(base_url=slack.api_url).auth_test()


async def test_a_posted_message_is_in_the_channel_s_history(web: AsyncWebClient) -> None:
    """What was posted is read again, the newest first, with its metadata."""
    # 1. Two messages and a reply to the first.
    metadata = {"event_type": "approval_requested", "event_payload": {"title": "x"}}
    first = await web.chat_postMessage(channel="C1", text="one", metadata=metadata)
    await web.chat_postMessage(channel="C1", text="two")
    await web.chat_postMessage(channel="C1", text="reply", thread_ts=first["ts"])
    # 2. The history holds the two, the thread the first and its reply.
    history = await web.conversations_history(channel="C1", limit=10)
    assert [message["text"] for message in history["messages"]] == ["two", "one"]
    assert history["messages"][1]["metadata"] == metadata
    thread = await web.conversations_replies(channel="C1", ts=first["ts"])
    assert [message["text"] for message in thread["messages"]] == ["one", "reply"]


async def test_an_updated_message_keeps_its_place(web: AsyncWebClient) -> None:
    """An update changes the message, and a deletion takes it away."""
    ts = (await web.chat_postMessage(channel="C1", text="before"))["ts"]
    await web.chat_update(channel="C1", ts=ts, text="after")
    assert [m["text"] for m in (await web.conversations_history(channel="C1"))["messages"]] == ["after"]
    await web.chat_delete(channel="C1", ts=ts)
    assert (await web.conversations_history(channel="C1"))["messages"] == []
    with pytest.raises(SlackApiError, match="message_not_found"):
        await web.chat_delete(channel="C1", ts=ts)


async def test_a_message_needs_a_channel_and_a_text(web: AsyncWebClient) -> None:
    """A message to nowhere and a message of nothing are refused as Slack refuses them."""
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await web.chat_postMessage(channel="", text="x")
    with pytest.raises(SlackApiError, match="no_text"):
        await web.api_call("chat.postMessage", json={"channel": "C1"})


async def test_a_trigger_id_opens_a_view_for_three_seconds(web: AsyncWebClient, clock: Clock) -> None:
    """A view opens with a trigger_id that is fresh and not with one that is older than 3 s."""
    trigger_id = fresh_trigger_id(clock.now)
    # 1. Within 3 s the view opens and gets an id.
    clock.now += 2.9
    opened = await web.views_open(trigger_id=trigger_id, view=MODAL)
    assert opened["view"]["id"].startswith("V")
    assert opened["view"]["title"] == MODAL["title"]
    # 2. Later the same trigger_id is expired.
    clock.now += 0.2
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await web.views_push(trigger_id=trigger_id, view=MODAL)


async def test_a_view_inside_a_form_is_decoded(web: AsyncWebClient) -> None:
    """Arguments that are JSON within a form are taken as what they say."""
    answer = await web.api_call("views.publish", data={"user_id": "U1", "view": json.dumps(MODAL)})
    assert answer["view"]["type"] == "modal"


async def test_the_same_user_has_the_same_direct_messages(web: AsyncWebClient) -> None:
    """Opening a conversation with a user always gives one channel."""
    one = await web.conversations_open(users="U0GRACE")
    two = await web.conversations_open(users=["U0GRACE"])
    assert one["channel"]["id"] == two["channel"]["id"] == "D0GRACE"


async def test_people_and_places_have_their_shapes(web: AsyncWebClient) -> None:
    """Users, channels and their pages are where slack_sdk's callers look for them."""
    assert (await web.users_info(user="U0ADA"))["user"]["id"] == "U0ADA"
    assert (await web.conversations_info(channel="C1"))["channel"]["id"] == "C1"
    assert BOT_USER_ID in (await web.conversations_members(channel="C1"))["members"]
    assert (await web.conversations_list())["channels"]
    assert (await web.chat_postEphemeral(channel="C1", user="U1", text="psst"))["message_ts"]


async def test_any_other_method_is_fine(web: AsyncWebClient) -> None:
    """A method that the emulator was not taught answers ok, so that no listener needs it taught."""
    assert (await web.functions_completeSuccess(function_execution_id="Fx1", outputs={}))["ok"]
    assert (await web.functions_completeError(function_execution_id="Fx1", error="no"))["ok"]
    assert (await web.reactions_add(channel="C1", name="eyes", timestamp="1.2"))["ok"]
    assert (await web.assistant_threads_setStatus(channel_id="D1", thread_ts="1.2", status="thinks"))["ok"]
