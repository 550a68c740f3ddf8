"""Slack's own clients, synchronous and not, pointed at one emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from anchorbolt.emulator.emulator import Emulator
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient

Call = Callable[..., Awaitable[Any]]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, slack: Emulator) -> Call:
    """Calls a method of slack_sdk's client by its name: of the synchronous one in a thread, or of the other one."""
    if request.param == "async":
        web = AsyncWebClient(token="xoxb-made-up", base_url=slack.api_url)
        return lambda name, /, **arguments: getattr(web, name)(**arguments)
    client = WebClient(token="xoxb-made-up", base_url=slack.api_url)
    return lambda name, /, **arguments: asyncio.to_thread(getattr(client, name), **arguments)
