"""The sample app on Bolt, in front of a recording Web API."""

from collections.abc import AsyncIterator

import anchorbolt_sample
import pytest
from slack_bolt.async_app import AsyncApp

from tests.unit.sample.slack import Slack, bolt, serving


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    """A Web API that records."""
    async with serving() as slack:
        yield slack


@pytest.fixture
def app(slack: Slack) -> AsyncApp:
    """The sample app, whose dispatch returns when the listener has ended."""
    app = bolt(slack)
    anchorbolt_sample.register(app)
    return app
