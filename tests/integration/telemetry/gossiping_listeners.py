"""LISTENERS=tests.integration.telemetry.gossiping_listeners: they log and raise every secret that they were given."""

from __future__ import annotations

import itertools
import json
import logging
import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

EVERYTHING = re.compile(".*", re.DOTALL)
# Numbers of the errors.
GOSSIP = itertools.count()


def register(app: AsyncApp) -> None:
    """One for everything."""
    app.event(EVERYTHING)(on_event)
    for register_one in (app.command, app.action, app.shortcut, app.view, app.view_closed):
        register_one(EVERYTHING)(on_interaction)
    app.options(EVERYTHING)(on_options)


async def on_event(body: dict[str, Any], client: AsyncWebClient, logger: logging.Logger) -> None:
    """Calls Slack with a token of the payload, then fails."""
    await gossip(body, client, logger)


async def on_interaction(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, logger: logging.Logger) -> None:
    """The same after the ack."""
    await ack()
    await gossip(body, client, logger)


async def on_options(ack: AsyncAck, body: dict[str, Any], logger: logging.Logger) -> None:
    """The same before it."""
    logger.info("was given %s", json.dumps(secrets_in(body)))
    await ack(options=[])


async def gossip(body: dict[str, Any], client: AsyncWebClient, logger: logging.Logger) -> None:
    """Tells everybody."""
    found = secrets_in(body)
    logger.info("was given %s", json.dumps(found))
    logger.error("and %s", client.token, extra={"more": found})
    await client.api_call("api.test", params={"found": " ".join(found)})
    # Of another class each time, or its listener would be held after three.
    raise type(f"Gossip{next(GOSSIP)}ValueError", (ValueError,), {})(f"cannot work with {found} and {client.token}")


def secrets_in(value: Any) -> list[str]:
    """Every text of a payload that was planted as a secret."""
    if isinstance(value, dict):
        return [found for inner in value.values() for found in secrets_in(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in secrets_in(inner)]
    return [value] if isinstance(value, str) and "PLANTED" in value and "TEXT" not in value else []
