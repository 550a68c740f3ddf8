"""A Slack emulator's Web API, and the app with the listeners of one test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from anchorbolt.emulator.emulator import Emulator
from slack_bolt.async_app import AsyncApp

from tests.support.app_in_process import App, app_in_process

AppWith = Callable[..., AbstractAsyncContextManager[App]]


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    """The Web API that listeners call."""
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
def app_with(slack: Emulator) -> AppWith:
    """The whole app with the listeners that a function registers; settings by their names in Settings."""

    def with_listeners(register: Callable[[AsyncApp], None], **settings: Any) -> AbstractAsyncContextManager[App]:
        return app_in_process(register, **({"slack_api_url": slack.api_url} | settings))

    return with_listeners
