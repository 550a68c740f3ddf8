"""The assistant answers in its conversation."""

from slack_bolt.async_app import AsyncApp

from tests.unit.sample import samples
from tests.unit.sample.slack import Slack, dispatch
from tests.unit.sample.test_events import HISTORY, WAITING


async def test_the_assistant_greets_with_questions(app: AsyncApp, slack: Slack) -> None:
    """A new conversation begins with two questions to choose from, and a greeting."""
    await dispatch(app, samples.thread_started())
    assert slack.methods == ["assistant.threads.setSuggestedPrompts", "chat.postMessage"]
    assert len(slack.only("assistant.threads.setSuggestedPrompts")["prompts"]) == 2
    assert slack.only("chat.postMessage")["thread_ts"] == "1.5"


async def test_the_assistant_knows_what_waits(app: AsyncApp, slack: Slack) -> None:
    """Asked what waits, the assistant lists the cards without a decision."""
    slack.answers["conversations.history"] = HISTORY
    await dispatch(app, samples.to_assistant("What waits for me?"))
    assert slack.methods[0] == "assistant.threads.setStatus"
    assert slack.only("chat.postMessage")["text"] == WAITING["text"]


async def test_the_assistant_says_when_nothing_waits(app: AsyncApp, slack: Slack) -> None:
    """Asked what waits while nothing does, the assistant says so."""
    await dispatch(app, samples.to_assistant("what is waiting?"))
    assert slack.only("chat.postMessage")["text"] == "Nothing waits for you."


async def test_the_assistant_offers_the_form_otherwise(app: AsyncApp, slack: Slack) -> None:
    """Any other question gets the button that opens the form."""
    await dispatch(app, samples.to_assistant("How do I ask for an approval?"))
    answer = slack.only("chat.postMessage")
    assert (answer["channel"], answer["thread_ts"]) == ("D-approver", "1.5")
    assert answer["blocks"][-1]["elements"][0]["action_id"] == "request_approval"
