"""The button of an invitation: opens the form."""

from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample.blocks.form import form


async def open_form(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any], client: AsyncWebClient) -> None:
    """Opens the form with the button's value as its title, before the ack: a trigger_id lives for three seconds."""
    await client.views_open(trigger_id=body["trigger_id"], view=form(action.get("value", "")))
    await ack()
