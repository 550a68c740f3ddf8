"""A person wrote to the assistant."""

from typing import Any

from slack_bolt.async_app import AsyncSay, AsyncSetStatus
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt_sample import cards
from anchorbolt_sample.blocks.invitation import invitation


async def answer(client: AsyncWebClient, payload: dict[str, Any], say: AsyncSay, set_status: AsyncSetStatus) -> None:
    """Tells what waits for this person where they ask for that, else how to ask for an approval."""
    await set_status("is looking...")
    if "wait" in payload.get("text", "").casefold():
        waiting = await cards.waiting(client, payload["channel"])
        await say("\n".join(waiting) or "Nothing waits for you.")
    else:
        text = "Type `/approval`, or use this button:"
        await say(text=text, blocks=invitation(text))
