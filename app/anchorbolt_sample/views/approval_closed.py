"""The form was closed without being submitted: nothing was asked, and nothing is lost."""

import json
from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample.blocks.invitation import invitation


async def keep_what_was_written(
    ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, view: dict[str, Any]
) -> None:
    """Tells the person that nothing was asked, with a button that opens the same form again."""
    await ack()
    text = "You closed the form, so nobody was asked."
    title = json.loads(view["private_metadata"])["title"]
    await client.chat_postMessage(channel=body["user"]["id"], text=text, blocks=invitation(text, title))
