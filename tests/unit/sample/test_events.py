"""The app answers what happens in the workspace."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from tests.unit.sample import samples
from tests.unit.sample.slack import Slack, dispatch

WAITING = {
    "text": "<@U-ada> asks for your approval: A new desk",
    "metadata": {"event_type": "approval_requested", "event_payload": {"key": "1"}},
}
DECIDED = {
    "text": "<@U-grace> approved: An old desk",
    "metadata": {"event_type": "approval_decided", "event_payload": {"key": "2"}},
}
HISTORY = {"ok": True, "messages": [{"text": "hello"}, DECIDED, WAITING]}


async def test_the_home_tab_shows_what_waits(app: AsyncApp, slack: Slack) -> None:
    """Of all messages in the conversation, the home tab lists the cards without a decision."""
    slack.answers["conversations.history"] = HISTORY
    await dispatch(app, samples.home_opened())
    assert slack.only("conversations.history")["channel"] == "D-approver"
    home = slack.only("views.publish")
    assert home["user_id"] == "U-grace"
    assert [block["text"]["text"] for block in home["view"]["blocks"][1:2]] == [WAITING["text"]]


async def test_another_tab_publishes_nothing(app: AsyncApp, slack: Slack) -> None:
    """Who opens the messages of the app does not see the home tab."""
    await dispatch(app, samples.home_opened("messages"))
    assert slack.methods == []


@pytest.mark.parametrize(
    ("body", "thread_ts"),
    [
        (samples.mention(), "1760000003.000100"),
        (samples.mention(thread_ts="1.1"), "1.1"),
        (samples.message(), "1760000004.000100"),
        (samples.message("Approval:   a new desk", thread_ts="1.1"), "1.1"),
    ],
    ids=["mention", "mention in a thread", "message", "message in a thread"],
)
async def test_the_app_answers_in_the_thread(app: AsyncApp, slack: Slack, body: dict[str, Any], thread_ts: str) -> None:
    """The answer stands where the question was, with a button that holds what was said."""
    await dispatch(app, body)
    assert slack.methods == ["chat.postMessage"]
    answer = slack.only("chat.postMessage")
    assert (answer["channel"], answer["thread_ts"]) == ("C1", thread_ts)
    assert answer["blocks"][-1]["elements"][0]["value"] == "a new desk"


@pytest.mark.parametrize("text", ["Any approval: yet?", "approval:", "good morning"])
async def test_other_messages_are_left_alone(app: AsyncApp, slack: Slack, text: str) -> None:
    """A message that does not begin with a request is none of the app's business."""
    await dispatch(app, samples.message(text))
    assert slack.methods == []


async def test_a_reaction_to_the_app_is_answered(app: AsyncApp, slack: Slack) -> None:
    """A reaction to one of the app's messages gets an :eyes:, and a reaction to anybody else's gets nothing."""
    await dispatch(app, samples.reaction())
    added = slack.only("reactions.add")
    assert (added["channel"], added["timestamp"], added["name"]) == ("C1", "1760000005.000100", "eyes")
    await dispatch(app, samples.reaction(item_user="U-grace"))
    assert slack.methods == ["reactions.add"]


@pytest.mark.parametrize(("error", "status"), [("already_reacted", 200), ("ratelimited", 500)])
async def test_a_second_reaction_is_no_failure(app: AsyncApp, slack: Slack, error: str, status: int) -> None:
    """What is done already counts as done; every other refusal fails the attempt."""
    slack.answers["reactions.add"] = {"ok": False, "error": error}
    assert (await dispatch(app, samples.reaction())).status == status
