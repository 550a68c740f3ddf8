"""The global shortcut: opens the form."""

from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample.blocks.form import form


async def open_form(ack: AsyncAck, client: AsyncWebClient, shortcut: dict[str, Any]) -> None:
    """Opens an empty form, before the ack: its trigger_id lives for three seconds."""
    await client.views_open(trigger_id=shortcut["trigger_id"], view=form())
    await ack()
