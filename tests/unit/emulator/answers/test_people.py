"""Users, and what an app makes for them: bookmarks, reminders, user groups, views, and threads with an assistant."""

from __future__ import annotations

import pytest
from anchorbolt.emulator.scene import fresh_trigger_id
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.unit.emulator.answers.conftest import Call
from tests.unit.emulator.conftest import Clock

MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Hello"}, "blocks": []}


async def test_users_are_found(call: Call) -> None:
    """A user is found by id and by e-mail address, is in the list, and who is nobody is told as Slack tells it."""
    assert (await call("users_info", user="U0ADA"))["user"]["real_name"] == "Ada Lovelace"
    assert (await call("users_lookupByEmail", email="grace@example.com"))["user"]["id"] == "U0GRACE"
    assert "U0ADA" in [user["id"] for user in (await call("users_list", limit=100))["members"]]
    with pytest.raises(SlackApiError, match="users_not_found"):
        await call("users_lookupByEmail", email="nobody@example.com")
    with pytest.raises(SlackApiError, match="user_not_found"):
        await call("users_info", user="ada")


async def test_a_profile_is_changed(call: Call) -> None:
    """What was written into a profile is read from it."""
    await call("users_profile_set", user="U0ADA", profile={"status_text": "Calculates"})
    assert (await call("users_profile_get", user="U0ADA"))["profile"]["status_text"] == "Calculates"


async def test_a_bookmark_is_kept_in_its_channel(call: Call) -> None:
    """A bookmark is added, changed, listed and removed."""
    added = await call("bookmarks_add", channel_id="C1", title="Docs", type="link", link="https://example.com")
    bookmark_id = added["bookmark"]["id"]
    await call("bookmarks_edit", channel_id="C1", bookmark_id=bookmark_id, title="Handbook")
    assert [one["title"] for one in (await call("bookmarks_list", channel_id="C1"))["bookmarks"]] == ["Handbook"]
    await call("bookmarks_remove", channel_id="C1", bookmark_id=bookmark_id)
    assert (await call("bookmarks_list", channel_id="C1"))["bookmarks"] == []
    with pytest.raises(SlackApiError, match="not_found"):
        await call("bookmarks_edit", channel_id="C1", bookmark_id=bookmark_id)


async def test_a_reminder_is_kept(call: Call) -> None:
    """A reminder is added, completed, listed and deleted."""
    added = (await call("reminders_add", text="Tea", time="1760000600"))["reminder"]
    await call("reminders_complete", reminder=added["id"])
    (reminder,) = (await call("reminders_list"))["reminders"]
    assert (reminder["text"], reminder["time"], reminder["complete_ts"]) == ("Tea", 1760000600, 1760000000)
    await call("reminders_delete", reminder=added["id"])
    with pytest.raises(SlackApiError, match="not_found"):
        await call("reminders_info", reminder=added["id"])


async def test_a_user_group_is_kept(call: Call) -> None:
    """A user group has the members that it was given, and is listed until it is disabled."""
    group_id = (await call("usergroups_create", name="On call", handle="oncall"))["usergroup"]["id"]
    await call("usergroups_users_update", usergroup=group_id, users=["U0ADA", "U0GRACE"])
    assert (await call("usergroups_users_list", usergroup=group_id))["users"] == ["U0ADA", "U0GRACE"]
    assert [group["handle"] for group in (await call("usergroups_list"))["usergroups"]] == ["oncall"]
    await call("usergroups_disable", usergroup=group_id)
    assert (await call("usergroups_list"))["usergroups"] == []


async def test_views_stack_and_change(web: AsyncWebClient, clock: Clock) -> None:
    """A pushed view knows the one below, a change needs the newest hash, and a trigger_id opens one view."""
    # 1. Opened, and pushed onto.
    trigger_id = fresh_trigger_id(clock.now)
    opened = (await web.views_open(trigger_id=trigger_id, view=MODAL | {"external_id": "mine"}))["view"]
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await web.views_open(trigger_id=trigger_id, view=MODAL)
    pushed = (await web.views_push(trigger_id=fresh_trigger_id(clock.now), view=MODAL))["view"]
    assert (pushed["previous_view_id"], pushed["root_view_id"]) == (opened["id"], opened["id"])
    # 2. Changed by either id, unless somebody else changed it first.
    changed = (await web.views_update(external_id="mine", view=MODAL, hash=opened["hash"]))["view"]
    assert changed["id"] == opened["id"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await web.views_update(view_id=opened["id"], view=MODAL, hash=opened["hash"])
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await web.views_open(trigger_id=fresh_trigger_id(clock.now), view={"type": "home", "blocks": []})


async def test_assistants_and_functions_are_heard(call: Call) -> None:
    """Threads with an assistant, sessions with an agent and steps take what a listener tells of them."""
    thread = {"channel_id": "D0ADA", "thread_ts": "1760000000.000001"}
    await call("assistant_threads_setStatus", **thread, status="thinks")
    await call("assistant_threads_setTitle", **thread, title="Tea")
    await call("assistant_threads_setSuggestedPrompts", **thread, prompts=[{"title": "Hi", "message": "Hello"}])
    await call("agents_sessions_setStatus", **thread, status="thinks")
    await call("agents_sessions_rename", **thread, title="Tea")
    await call("functions_completeSuccess", function_execution_id="Fx1", outputs={})
    await call("functions_completeError", function_execution_id="Fx1", error="no")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await call("assistant_threads_setStatus", channel_id="", thread_ts="1.2", status="")


async def test_the_workspace_is_told(call: Call) -> None:
    """The team, the bot and the emoji are where slack_sdk's callers look for them."""
    assert (await call("team_info"))["team"]["domain"] == "anchor-works"
    assert (await call("bots_info", bot="B0ANCH0R"))["bot"]["app_id"] == "A0ANCH0R"
    assert (await call("emoji_list"))["emoji"]
