"""LISTENERS=bench.listeners.slow_event: one event listener that works for BENCH_WORK_SECONDS before its call."""

import asyncio
import os
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

WORK_SECONDS = float(os.environ.get("BENCH_WORK_SECONDS", "1"))


async def on_message(event: dict[str, Any], client: AsyncWebClient) -> None:
    await asyncio.sleep(WORK_SECONDS)
    await client.chat_postMessage(channel=event["channel"], text=event["text"])


def register(app: AsyncApp) -> None:
    app.event("message")(on_message)
