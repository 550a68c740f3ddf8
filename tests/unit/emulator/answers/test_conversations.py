"""Channels: made, joined, archived and listed by pages."""

from __future__ import annotations

import pytest
from anchorbolt.emulator.scene import BOT_USER_ID
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.unit.emulator.answers.conftest import Call


async def test_a_channel_lives_from_creation_to_archive(call: Call) -> None:
    """A channel is made, gets members, a topic and another name, and refuses messages once it is archived."""
    # 1. Made with the bot as its only member; a second one of the name is refused.
    made = (await call("conversations_create", name="incident-7", is_private=True))["channel"]
    assert (made["name"], made["is_private"], made["num_members"]) == ("incident-7", True, 1)
    with pytest.raises(SlackApiError, match="name_taken"):
        await call("conversations_create", name="incident-7")
    # 2. Members come and go.
    await call("conversations_invite", channel=made["id"], users=["U0ADA", "U0GRACE"])
    with pytest.raises(SlackApiError, match="already_in_channel"):
        await call("conversations_invite", channel=made["id"], users="U0ADA")
    await call("conversations_kick", channel=made["id"], user="U0GRACE")
    assert (await call("conversations_members", channel=made["id"]))["members"] == [BOT_USER_ID, "U0ADA"]
    # 3. Changed, and found by its name.
    await call("conversations_setTopic", channel=made["id"], topic="It burns")
    await call("conversations_rename", channel=made["id"], name="incident-8")
    assert (await call("conversations_info", channel=made["id"]))["channel"]["topic"]["value"] == "It burns"
    assert (await call("chat_postMessage", channel="#incident-8", text="x"))["channel"] == made["id"]
    # 4. Archived.
    await call("conversations_archive", channel=made["id"])
    with pytest.raises(SlackApiError, match="is_archived"):
        await call("chat_postMessage", channel=made["id"], text="x")
    await call("conversations_unarchive", channel=made["id"])
    assert (await call("chat_postMessage", channel=made["id"], text="x"))["ok"]


async def test_lists_are_read_by_pages(call: Call) -> None:
    """Every page but the last has a cursor, each channel is on one page, and a made-up cursor is refused."""
    for number in range(4):
        await call("conversations_create", name=f"team-{number}")
    names: list[str] = []
    cursor = None
    while cursor != "":
        answer = await call("conversations_list", limit=2, cursor=cursor)
        assert len(answer["channels"]) <= 2
        names += [channel["name"] for channel in answer["channels"]]
        cursor = answer["response_metadata"]["next_cursor"]
    assert sorted(names) == ["general", "random", "team-0", "team-1", "team-2", "team-3"]
    with pytest.raises(SlackApiError, match="invalid_cursor"):
        await call("conversations_list", cursor="made-up")


async def test_history_is_read_by_pages_and_times(call: Call) -> None:
    """A history is read page by page, and only between the times that are asked for."""
    posted = [await call("chat_postMessage", channel="C1", text=text) for text in "abc"]
    first = await call("conversations_history", channel="C1", limit=2)
    assert ([m["text"] for m in first["messages"]], first["has_more"]) == (["c", "b"], True)
    cursor = first["response_metadata"]["next_cursor"]
    rest = await call("conversations_history", channel="C1", limit=2, cursor=cursor)
    assert ([m["text"] for m in rest["messages"]], rest["has_more"]) == (["a"], False)
    since = await call("conversations_history", channel="C1", oldest=posted[1]["ts"])
    assert [m["text"] for m in since["messages"]] == ["c"]


async def test_a_thread_is_told_where_it_began(web: AsyncWebClient) -> None:
    """The message that began a thread tells how many replies it has, and a broadcast reply is in the channel too."""
    ts = (await web.chat_postMessage(channel="C1", text="root"))["ts"]
    await web.chat_postMessage(channel="C1", text="one", thread_ts=ts)
    last = await web.chat_postMessage(channel="C1", text="two", thread_ts=ts, reply_broadcast=True)
    two, root = (await web.conversations_history(channel="C1"))["messages"]
    assert (root["reply_count"], root["latest_reply"], two["text"]) == (2, last["ts"], "two")
    link = (await web.chat_getPermalink(channel="C1", message_ts=last["ts"]))["permalink"]
    assert link.endswith(f"/archives/C1/p{last['ts'].replace('.', '')}?thread_ts={ts}&cid=C1")


async def test_the_bot_joins_and_leaves(web: AsyncWebClient) -> None:
    """A channel that the bot left takes it back, and a second join is a warning."""
    await web.conversations_leave(channel="C0RANDOM")
    assert (await web.conversations_leave(channel="C0RANDOM"))["not_in_channel"]
    assert "warning" not in (await web.conversations_join(channel="C0RANDOM")).data
    assert (await web.conversations_join(channel="C0RANDOM"))["warning"] == "already_in_channel"


async def test_what_is_no_channel_is_not_found(web: AsyncWebClient) -> None:
    """A name that nobody has is not found, and a channel of general's kind cannot be archived."""
    for method in ("chat.postMessage", "conversations.info", "conversations.history", "conversations.invite"):
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await web.api_call(method, json={"channel": "nowhere at all", "text": "x", "users": "U1"})
    with pytest.raises(SlackApiError, match="cant_archive_general"):
        await web.conversations_archive(channel="C0GENERAL")


async def test_a_group_message_is_one_channel(web: AsyncWebClient) -> None:
    """Several users share one channel, however often and in which order they are named."""
    one = await web.conversations_open(users=["U0ADA", "U0GRACE"])
    two = await web.conversations_open(users="U0GRACE,U0ADA")
    assert one["channel"]["id"] == two["channel"]["id"]
    assert one["channel"]["is_mpim"]
