"""LISTENERS=tests.integration.telemetry.talking_listeners: they write log lines in every way there is."""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

# What nobody may read in a log: written here by a listener that means no harm.
TOKEN = "xoxb-1234567890-abcdefghijkl"


def register(app: AsyncApp) -> None:
    """An event, and a command with a lazy function."""
    app.event("app_mention")(on_mention)
    app.command(re.compile("."))(ack=ack_command, lazy=[lazily])


async def on_mention(event: dict[str, Any], logger: logging.Logger, client: AsyncWebClient) -> None:
    """By Bolt's logger, by a library's, from a task of its own, as a warning, and with a secret in it."""
    logger.info("by Bolt's logger")
    logging.getLogger("some.library").warning("by a library's %s", "logger", extra={"answer": 42})
    await asyncio.create_task(_later(logger))
    warnings.warn("by Python's warnings", stacklevel=1)
    logger.info("the token is %s or %s", client.token, TOKEN)
    raise ValueError(f"it was {TOKEN}")


async def _later(logger: logging.Logger) -> None:
    logger.info("from a task")


async def ack_command(ack: AsyncAck) -> None:
    """At once."""
    await ack()


async def lazily(logger: logging.Logger) -> None:
    """After the ack."""
    logger.info("from a lazy function")
