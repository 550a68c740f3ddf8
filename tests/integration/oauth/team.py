"""A team's listeners: they answer in the workspace that sent."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncSay


def register(app: AsyncApp) -> None:
    """Bolt's own decorators."""

    @app.event("app_mention")
    async def answer(event: dict[str, Any], say: AsyncSay) -> None:
        await say(f"answer to {event['text']}")

    @app.command("/where")
    async def where(ack: AsyncAck, context: dict[str, Any]) -> None:
        await ack(f"here in {context['team_id']}")
