"""The options of the form's category."""

from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.models.blocks import Option

CATEGORIES = ("Access", "Deployment", "Equipment", "Expense", "Hiring", "Time off", "Travel")


async def suggest_categories(ack: AsyncAck, options: dict[str, Any]) -> None:
    """Answers with the categories that hold what the person typed; Slack takes a hundred at most."""
    typed = options.get("value", "").casefold()
    await ack(options=[Option(value=name, text=name) for name in CATEGORIES if typed in name.casefold()])
