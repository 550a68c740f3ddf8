"""The cards of approvals: messages in the approver's conversation with the app."""

from html import escape
from typing import Any
from uuid import uuid4

from slack_bolt.async_app import AsyncBoltContext
from slack_sdk.models.metadata import Metadata
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample.approval import Approval
from anchorbolt_sample.blocks import card

REQUESTED = "approval_requested"
DECIDED = "approval_decided"


def key_of(context: AsyncBoltContext) -> str:
    """Returns the key of the delivery that runs: the same in each of its attempts. Bolt alone has none."""
    delivery = context.get("delivery")
    return delivery.key if delivery else uuid4().hex


async def post(client: AsyncWebClient, approval: Approval) -> None:
    """Posts the card of an approval, once."""
    opened = await client.conversations_open(users=approval.approver)
    channel = opened["channel"]["id"]
    # A run that was cut short (kill, stop, error) runs again from its top, and posting is not something that Slack does
    # once by itself: a second card would ask for a second decision. So the card carries the key of its delivery, and
    # whoever is about to post looks for it first. Not only where `delivery.attempt > 1`: a run that a stopping pod
    # handed back is not counted as an attempt. The latest hundred messages reach back far enough for one person.
    if any(message["metadata"]["event_payload"]["key"] == approval.key for message in await _cards(client, channel)):
        return
    await client.chat_postMessage(
        channel=channel,
        text=f"<@{approval.requester}> asks for your approval: {escape(approval.title, quote=False)}",
        blocks=card.requested(approval),
        metadata=Metadata(REQUESTED, {"key": approval.key}),
    )


async def close(client: AsyncWebClient, channel: str, ts: str, approval: Approval, decision: str) -> None:
    """Writes the decision on the card and takes its buttons away. Done twice, it is done once."""
    await client.chat_update(
        channel=channel,
        ts=ts,
        text=f"<@{approval.approver}> {decision}: {escape(approval.title, quote=False)}",
        blocks=card.decided(approval, decision),
        metadata=Metadata(DECIDED, {"key": approval.key}),
    )


async def waiting(client: AsyncWebClient, channel: str) -> list[str]:
    """Returns a line for each card that waits for a decision in this conversation, the latest first."""
    cards = await _cards(client, channel)
    return [message["text"] for message in cards if message["metadata"]["event_type"] == REQUESTED]


async def _cards(client: AsyncWebClient, channel: str) -> list[dict[str, Any]]:
    history = await client.conversations_history(channel=channel, limit=100, include_all_metadata=True)
    messages: list[dict[str, Any]] = history["messages"]
    return [message for message in messages if message.get("metadata", {}).get("event_type") in (REQUESTED, DECIDED)]
