"""The message shortcut: opens the form for an approval that is about a message."""

from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample.approval import short_line
from anchorbolt_sample.blocks.form import form


async def open_form_about_message(ack: AsyncAck, client: AsyncWebClient, shortcut: dict[str, Any]) -> None:
    """Opens the form with the message's text and a link to it, before the ack: a trigger_id lives for three seconds."""
    title = short_line(shortcut["message"].get("text", ""))
    await client.views_open(trigger_id=shortcut["trigger_id"], view=form(title, link=link_to_message(shortcut)))
    await ack()


def link_to_message(shortcut: dict[str, Any]) -> str:
    """Returns the message's address, or nothing where no workspace is named (an app installed for an organization).

    chat.getPermalink would need the app in the channel; a person may use the shortcut anywhere.
    """
    if not shortcut.get("team"):
        return ""
    host, channel, ts = shortcut["team"]["domain"], shortcut["channel"]["id"], shortcut["message_ts"]
    return f"https://{host}.slack.com/archives/{channel}/p{ts.replace('.', '')}"
