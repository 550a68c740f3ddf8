"""An emulator that listens, and a Web API client of Slack's own SDK that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from anchorbolt.emulator.emulator import Emulator
from slack_sdk.web.async_client import AsyncWebClient


@dataclass
class Clock:
    """Seconds since 1970, as a test sets them."""

    now: float = 1_760_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until the test moves it."""
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[Emulator]:
    """An emulator on a free port."""
    async with Emulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
def web(slack: Emulator) -> AsyncWebClient:
    """Slack's own client, pointed at the emulator."""
    return AsyncWebClient(token="xoxb-made-up", base_url=slack.api_url)
