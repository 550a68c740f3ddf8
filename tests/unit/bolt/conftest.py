"""A stand-in for Slack's Web API, and the app with the listeners of one test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from anchorbolt.emulator.emulator import StandIn
from slack_bolt.async_app import AsyncApp

from tests.support.app_in_process import App, app_in_process

AppWith = Callable[..., AbstractAsyncContextManager[App]]


@pytest.fixture
async def slack() -> AsyncIterator[StandIn]:
    """The Web API that listeners call."""
    async with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def app_with(slack: StandIn) -> AppWith:
    """The whole app with the listeners that a function registers; settings by their names in Settings."""

    def with_listeners(register: Callable[[AsyncApp], None], **settings: Any) -> AbstractAsyncContextManager[App]:
        return app_in_process(register, **({"slack_api_url": slack.api_url} | settings))

    return with_listeners
