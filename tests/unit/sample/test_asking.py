"""An approval is asked for: the form's options, the form, and the workflow step."""

import dataclasses
import json
from typing import Any

import pytest
from anchorbolt_sample.approval import Approval
from slack_bolt.async_app import AsyncApp

from tests.unit.sample import samples
from tests.unit.sample.slack import Delivery, Slack, dispatch

ASKERS = {"form": samples.submission(), "workflow step": samples.step()}


def _asked(slack: Slack) -> Approval:
    """The approval that the posted card carries."""
    button = slack.only("chat.postMessage")["blocks"][-1]["elements"][0]
    return Approval.from_json(button["value"])


@pytest.mark.parametrize(
    ("typed", "names"), [("T", ["Deployment", "Equipment", "Time off", "Travel"]), ("time", ["Time off"]), ("?", [])]
)
async def test_categories_are_found_by_what_is_typed(app: AsyncApp, typed: str, names: list[str]) -> None:
    """The ack's body holds the categories with what the person typed in them, in any case."""
    response = await dispatch(app, samples.suggestion(typed))
    assert response.status == 200
    assert [option["value"] for option in json.loads(response.body)["options"]] == names


async def test_all_categories_are_offered_at_first(app: AsyncApp) -> None:
    """Before anything is typed, every category is there."""
    assert len(json.loads((await dispatch(app, samples.suggestion(""))).body)["options"]) == 7


@pytest.mark.parametrize("body", ASKERS.values(), ids=ASKERS.keys())
async def test_the_approver_gets_the_card(app: AsyncApp, slack: Slack, body: dict[str, Any]) -> None:
    """The card is posted to the approver's conversation with the app and carries what was asked."""
    response = await dispatch(app, body, Delivery("the-key"))
    assert (response.status, response.body) == (200, "")
    assert slack.only("conversations.open")["users"] == "U-grace"
    assert slack.only("chat.postMessage")["channel"] == "D-approver"
    asked = _asked(slack)
    assert asked == dataclasses.replace(samples.APPROVAL, key="the-key")


async def test_the_card_leads_to_its_message(app: AsyncApp, slack: Slack) -> None:
    """A form that was opened from a message gives its card the link."""
    await dispatch(app, samples.submission(link="https://acme.slack.com/archives/C1/p1"))
    assert _asked(slack).link == "https://acme.slack.com/archives/C1/p1"


@pytest.mark.parametrize("event_type", ["approval_requested", "approval_decided"])
@pytest.mark.parametrize("body", ASKERS.values(), ids=ASKERS.keys())
async def test_a_run_that_is_repeated_posts_no_second_card(
    app: AsyncApp, slack: Slack, body: dict[str, Any], event_type: str
) -> None:
    """A card with the key of this delivery, decided or not, is found, whatever the number of the attempt."""
    await dispatch(app, body, Delivery("the-key"))
    posted = slack.only("chat.postMessage")["metadata"] | {"event_type": event_type}
    slack.answers["conversations.history"] = {
        "ok": True,
        "messages": [{"text": "hello"}, {"text": "the card", "metadata": posted}],
    }
    for attempt in (1, 2):
        await dispatch(app, body, Delivery("the-key", attempt))
    assert slack.methods.count("chat.postMessage") == 1

    await dispatch(app, body, Delivery("another-key"))
    assert slack.methods.count("chat.postMessage") == 2


async def test_bolt_alone_can_run_the_listeners(app: AsyncApp, slack: Slack) -> None:
    """Without a delivery in the context, two forms are two cards."""
    await dispatch(app, samples.submission())
    await dispatch(app, samples.submission())
    first, second = (
        call.arguments["metadata"]["event_payload"]["key"] for call in slack.calls if call.method == "chat.postMessage"
    )
    assert first != second


async def test_nobody_approves_their_own_request_by_form(app: AsyncApp, slack: Slack) -> None:
    """The form stays open with an error at the approver, and nobody is asked."""
    response = await dispatch(app, samples.submission(approver="U-ada"))
    answer = json.loads(response.body)
    assert (answer["response_action"], list(answer["errors"])) == ("errors", ["approver"])
    assert slack.methods == []


async def test_nobody_approves_their_own_request_by_workflow(app: AsyncApp, slack: Slack) -> None:
    """The step fails with a reason, so that the workflow does not hang, and nobody is asked."""
    await dispatch(app, samples.step(approver="U-ada"))
    assert slack.methods == ["functions.completeError"]
    assert slack.only("functions.completeError")["function_execution_id"] == "Fx1"


async def test_a_step_waits_for_the_decision(app: AsyncApp, slack: Slack) -> None:
    """The step does not end when the card is posted, and the card is posted with the step's own token.

    Slack names the workflow in the click on a card only where the step's token posted it.
    """
    await dispatch(app, samples.step())
    assert not [method for method in slack.methods if method.startswith("functions.")]
    assert {call.token for call in slack.calls if call.method == "chat.postMessage"} == {"xwfp-step"}


async def test_a_form_that_was_given_up_can_be_taken_up_again(app: AsyncApp, slack: Slack) -> None:
    """The person is told that nobody was asked, and gets a button with the title that the form had."""
    await dispatch(app, samples.closed())
    assert slack.methods == ["chat.postMessage"]
    told = slack.only("chat.postMessage")
    assert told["channel"] == "U-ada"
    assert told["blocks"][-1]["elements"][0]["value"] == "A desk"
