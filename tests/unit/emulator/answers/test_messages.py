"""What happens to messages: they wait for their time, get reactions, and are pinned."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.unit.emulator.answers.conftest import Call
from tests.unit.emulator.conftest import Clock


async def test_a_reaction_is_added_once_and_taken_back(call: Call) -> None:
    """Reactions are told with their message; a second one, and taking back none, are refused as by Slack."""
    # 1. Added once.
    ts = (await call("chat_postMessage", channel="C1", text="x"))["ts"]
    await call("reactions_add", channel="C1", timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="already_reacted"):
        await call("reactions_add", channel="C1", timestamp=ts, name="eyes")
    (message,) = (await call("conversations_history", channel="C1"))["messages"]
    assert message["reactions"][0]["name"] == "eyes"
    assert (await call("reactions_get", channel="C1", timestamp=ts))["message"]["reactions"][0]["count"] == 1
    assert len((await call("reactions_list"))["items"]) == 1
    # 2. Taken back once.
    await call("reactions_remove", channel="C1", timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="no_reaction"):
        await call("reactions_remove", channel="C1", timestamp=ts, name="eyes")


async def test_a_message_that_was_never_seen_takes_a_reaction(web: AsyncWebClient) -> None:
    """A user's message, which the emulator sent as a sample, can be reacted to; a malformed time cannot."""
    assert (await web.reactions_add(channel="C1", timestamp="1760000000.000001", name="eyes"))["ok"]
    with pytest.raises(SlackApiError, match="bad_timestamp"):
        await web.reactions_add(channel="C1", timestamp="now", name="eyes")


async def test_a_pin_is_set_once_and_removed(call: Call) -> None:
    """A pinned message is in the list until it is taken away."""
    ts = (await call("chat_postMessage", channel="C1", text="x"))["ts"]
    await call("pins_add", channel="C1", timestamp=ts)
    with pytest.raises(SlackApiError, match="already_pinned"):
        await call("pins_add", channel="C1", timestamp=ts)
    assert [item["message"]["text"] for item in (await call("pins_list", channel="C1"))["items"]] == ["x"]
    await call("pins_remove", channel="C1", timestamp=ts)
    with pytest.raises(SlackApiError, match="no_pin"):
        await call("pins_remove", channel="C1", timestamp=ts)


async def test_a_scheduled_message_is_posted_at_its_time(call: Call, clock: Clock) -> None:
    """A scheduled message is listed until its time, and then it is in the channel."""
    scheduled = await call("chat_scheduleMessage", channel="C1", text="later", post_at=int(clock.now) + 60)
    assert len((await call("chat_scheduledMessages_list", channel="C1"))["scheduled_messages"]) == 1
    assert (await call("conversations_history", channel="C1"))["messages"] == []
    clock.now += 61
    (message,) = (await call("conversations_history", channel="C1"))["messages"]
    assert message["text"] == "later"
    with pytest.raises(SlackApiError, match="invalid_scheduled_message_id"):
        await call("chat_deleteScheduledMessage", channel="C1", scheduled_message_id=scheduled["scheduled_message_id"])


async def test_a_scheduled_message_is_taken_back(call: Call, clock: Clock) -> None:
    """A scheduled message that was deleted is never posted, and one for the past is refused."""
    scheduled = await call("chat_scheduleMessage", channel="C1", text="never", post_at=int(clock.now) + 60)
    await call("chat_deleteScheduledMessage", channel="C1", scheduled_message_id=scheduled["scheduled_message_id"])
    clock.now += 61
    assert (await call("conversations_history", channel="C1"))["messages"] == []
    with pytest.raises(SlackApiError, match="time_in_past"):
        await call("chat_scheduleMessage", channel="C1", text="x", post_at=int(clock.now) - 1)


async def test_blocks_inside_a_form_are_decoded(web: AsyncWebClient) -> None:
    """Blocks and metadata of a form are taken as what they say, get ids, and too many are refused."""
    form = {"channel": "C1", "blocks": '[{"type": "divider"}]', "metadata": '{"event_type": "e", "event_payload": {}}'}
    await web.api_call("chat.postMessage", data=form)
    (message,) = (await web.conversations_history(channel="C1"))["messages"]
    assert message["blocks"][0]["type"] == "divider"
    assert message["blocks"][0]["block_id"]
    assert message["metadata"]["event_type"] == "e"
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await web.chat_postMessage(channel="C1", text="x", blocks=[{"type": "divider"}] * 51)


async def test_a_text_that_looks_like_json_stays_a_text(web: AsyncWebClient) -> None:
    """Only arguments that are objects in Slack are decoded, not what somebody wrote."""
    posted = await web.api_call("chat.postMessage", data={"channel": "C1", "text": '{"a": 1}'})
    assert posted["message"]["text"] == '{"a": 1}'
