"""A person opened the app's home."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample import cards
from anchorbolt_sample.blocks.home import home


async def publish_home(client: AsyncWebClient, event: dict[str, Any]) -> None:
    """Publishes the home tab with what waits for this person; the event names their conversation with the app."""
    if event["tab"] != "home":
        return
    waiting = await cards.waiting(client, event["channel"])
    await client.views_publish(user_id=event["user"], view=home(waiting))
