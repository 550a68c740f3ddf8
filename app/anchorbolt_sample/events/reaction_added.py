"""Somebody reacted to a message."""

from typing import Any

from slack_bolt.async_app import AsyncBoltContext
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient


async def react_back(client: AsyncWebClient, context: AsyncBoltContext, event: dict[str, Any]) -> None:
    """Shows with an :eyes: that a reaction to one of our messages was seen."""
    if event.get("item_user") != context.bot_user_id:
        return
    try:
        await client.reactions_add(channel=event["item"]["channel"], timestamp=event["item"]["ts"], name="eyes")
    except SlackApiError as error:
        # Already done, by an earlier attempt or for another person's reaction. Anything else is a failed attempt.
        if error.response["error"] != "already_reacted":
            raise
