"""Messages that are written bit by bit, with the SDK's own ChatStream and Bolt's say_stream."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.emulator.emulator import Emulator
from slack_bolt.context.say_stream.async_say_stream import AsyncSayStream
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import TaskUpdateChunk
from slack_sdk.web.async_client import AsyncWebClient

from tests.unit.emulator.answers.conftest import Call

FOR_ADA = {"recipient_team_id": "T0ANCH0R", "recipient_user_id": "U0ADA"}


async def test_the_sdk_s_stream_becomes_one_message(web: AsyncWebClient) -> None:
    """What is appended is joined, tasks are kept, and the message is in its thread."""
    # 1. A stream with two flushes and a task.
    stream = await web.chat_stream(channel="D0ADA", thread_ts="1.2", buffer_size=4)
    await stream.append(markdown_text="**hello ")
    await stream.append(chunks=[TaskUpdateChunk(id="t1", title="Thinks", status="complete")])
    await stream.append(markdown_text="world**")
    ended = await stream.stop()
    # 2. One message holds all of it.
    assert ended["message"]["text"] == "**hello world**"
    thread = await web.conversations_replies(channel="D0ADA", ts="1.2")
    assert [message["text"] for message in thread["messages"]] == ["**hello world**"]
    assert thread["messages"][0]["chunks"][0]["title"] == "Thinks"


async def test_the_synchronous_stream_works(slack: Emulator) -> None:
    """A synchronous listener streams as well."""
    client = WebClient(token="xoxb-made-up", base_url=slack.api_url)

    def write() -> str:
        stream = client.chat_stream(channel="C1", thread_ts="1.2", buffer_size=1, **FOR_ADA)
        stream.append(markdown_text="a")
        return str(stream.stop(markdown_text="b")["message"]["text"])

    assert await asyncio.to_thread(write) == "ab"


async def test_bolt_s_say_stream_works(web: AsyncWebClient) -> None:
    """What Bolt hands to listeners writes into the thread of their event."""
    say_stream = AsyncSayStream(
        client=web, channel="C1", thread_ts="1.2", recipient_team_id="T0ANCH0R", recipient_user_id="U0ADA"
    )
    stream = await say_stream(buffer_size=1)
    await stream.append(markdown_text="hi")
    assert (await stream.stop())["message"]["thread_ts"] == "1.2"


async def test_a_message_that_does_not_stream_cannot_be_appended_to(call: Call) -> None:
    """An ordinary message, an ended stream, and a message of nobody are told apart."""
    posted = await call("chat_postMessage", channel="C1", text="x")
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        await call("chat_appendStream", channel="C1", ts=posted["ts"], markdown_text="y")
    begun = await call("chat_startStream", channel="C1", thread_ts="1.2", **FOR_ADA)
    await call("chat_stopStream", channel="C1", ts=begun["ts"])
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        await call("chat_stopStream", channel="C1", ts=begun["ts"])
    with pytest.raises(SlackApiError, match="message_not_found"):
        await call("chat_appendStream", channel="C1", ts="1.2", markdown_text="y")


async def test_a_stream_in_a_channel_names_its_reader(call: Call) -> None:
    """Outside of direct messages a stream without a recipient is refused, and so is a text that is too long."""
    with pytest.raises(SlackApiError, match="missing_recipient_team_id"):
        await call("chat_startStream", channel="C1", thread_ts="1.2")
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await call("chat_startStream", channel="D0ADA", thread_ts="1.2", markdown_text="x" * 12_001)
