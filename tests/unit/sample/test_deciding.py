"""The approver decides, by one of the two buttons of the card."""

import json

import pytest
from slack_bolt.async_app import AsyncApp

from tests.unit.sample import samples
from tests.unit.sample.slack import Slack, dispatch


@pytest.mark.parametrize(("action_id", "decision"), [("approval_approve", "approved"), ("approval_reject", "rejected")])
async def test_a_decision_reaches_card_and_requester(
    app: AsyncApp, slack: Slack, action_id: str, decision: str
) -> None:
    """The card shows the decision without its buttons, and the requester is told."""
    response = await dispatch(app, samples.decision(action_id))
    assert (response.status, response.body) == (200, "")
    assert slack.methods == ["chat.update", "chat.postMessage"]
    card = slack.only("chat.update")
    assert (card["channel"], card["ts"]) == ("D-approver", "1760000002.000100")
    assert decision.capitalize() in json.dumps(card["blocks"])
    assert "actions" not in [block["type"] for block in card["blocks"]]
    told = slack.only("chat.postMessage")
    assert told["channel"] == "U-ada"
    assert decision in told["text"]


async def test_a_decided_card_keeps_its_key(app: AsyncApp, slack: Slack) -> None:
    """A decided card waits no more, and is still found by the delivery that asked for it."""
    await dispatch(app, samples.decision())
    assert slack.only("chat.update")["metadata"] == {
        "event_type": "approval_decided",
        "event_payload": {"key": "delivery-1"},
    }


async def test_a_workflow_goes_on_with_the_decision(app: AsyncApp, slack: Slack) -> None:
    """The click on a step's card completes the step, last of all, with the decision as its output."""
    in_a_workflow = {"function_data": {"execution_id": "Fx1"}, "bot_access_token": "xwfp-step"}
    await dispatch(app, samples.decision("approval_reject", **in_a_workflow))
    assert slack.methods == ["chat.update", "chat.postMessage", "functions.completeSuccess"]
    completed = slack.only("functions.completeSuccess")
    assert (completed["function_execution_id"], completed["outputs"]) == ("Fx1", {"decision": "rejected"})


async def test_only_the_approver_decides(app: AsyncApp, slack: Slack) -> None:
    """Somebody else's click changes nothing, and they alone are told who decides."""
    response_url = slack.url + "response"
    await dispatch(app, samples.decision(user="U-mallory", response_url=response_url))
    assert slack.methods == ["response"]
    told = slack.only("response")
    assert (told["response_type"], told["replace_original"]) == ("ephemeral", False)
    assert "<@U-grace>" in told["text"]
