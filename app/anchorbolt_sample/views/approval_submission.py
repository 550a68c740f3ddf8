"""The form was submitted: asks the approver."""

import json
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample import cards
from anchorbolt_sample.approval import Approval
from anchorbolt_sample.blocks import form


async def ask_for_approval(
    ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, context: AsyncBoltContext, view: dict[str, Any]
) -> None:
    """Posts the card to the approver, once the form was closed by the ack."""
    values = view["state"]["values"]
    approval = Approval(
        key=cards.key_of(context),
        title=values[form.TITLE][form.TITLE]["value"],
        category=values[form.CATEGORY][form.CATEGORY]["selected_option"]["value"],
        requester=body["user"]["id"],
        approver=values[form.APPROVER][form.APPROVER]["selected_user"],
        link=json.loads(view["private_metadata"])["link"],
    )
    if approval.approver == approval.requester:
        await ack(response_action="errors", errors={form.APPROVER: "Somebody else decides."})
        return
    await ack()
    await cards.post(client, approval)
