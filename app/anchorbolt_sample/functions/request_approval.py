"""The workflow step that asks for an approval. It ends when somebody decides: see actions/decide.py."""

from typing import Any

from slack_bolt.async_app import AsyncBoltContext
from slack_bolt.context.fail.async_fail import AsyncFail
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample import cards
from anchorbolt_sample.approval import Approval, short_line


async def ask_for_approval(
    client: AsyncWebClient, context: AsyncBoltContext, fail: AsyncFail, inputs: dict[str, Any]
) -> None:
    """Posts the card to the approver; the workflow waits. Fails the step if the requester would decide."""
    approval = Approval(
        key=cards.key_of(context),
        title=short_line(inputs["title"]),
        category=short_line(inputs["category"]),
        requester=inputs["requester"],
        approver=inputs["approver"],
    )
    if approval.approver == approval.requester:
        await fail("Somebody else than the requester decides.")
        return
    await cards.post(client, approval)
