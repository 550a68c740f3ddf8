"""The two buttons of a card: the approver decides."""

from html import escape
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext, AsyncRespond

from anchorbolt_sample import cards
from anchorbolt_sample.approval import Approval
from anchorbolt_sample.blocks import card

DECISIONS = {card.APPROVE: "approved", card.REJECT: "rejected"}


async def decide(
    ack: AsyncAck, action: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext, respond: AsyncRespond
) -> None:
    """Writes the decision on the card, tells the requester, and lets the workflow go on if one asked."""
    await ack()
    approval = Approval.from_json(action["value"])
    if body["user"]["id"] != approval.approver:
        await respond(f"<@{approval.approver}> decides this.", response_type="ephemeral", replace_original=False)
        return
    decision = DECISIONS[action["action_id"]]
    await cards.close(context.client, body["channel"]["id"], body["message"]["ts"], approval, decision)
    # Cut short right here, the run tells the requester again: better twice than never.
    await context.client.chat_postMessage(
        channel=approval.requester,
        text=f"<@{approval.approver}> {decision} your request: {escape(approval.title, quote=False)}",
    )
    if context.function_execution_id:
        await context.complete({"decision": decision})
