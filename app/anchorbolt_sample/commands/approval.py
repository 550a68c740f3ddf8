"""/approval [what for]: opens the form."""

from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample.approval import short_line
from anchorbolt_sample.blocks.form import form


async def open_form(ack: AsyncAck, client: AsyncWebClient, command: dict[str, Any]) -> None:
    """Opens the form, with the command's text as its title."""
    # A trigger_id lives for three seconds, so the form opens before the ack: where Slack says no, the user is told, and
    # nothing is left to do that could only fail later.
    await client.views_open(trigger_id=command["trigger_id"], view=form(short_line(command.get("text", ""))))
    await ack()
