"""LISTENERS=tests.integration.telemetry.blocking_listeners: one blocks the event loop."""

from __future__ import annotations

import time
from typing import Any

from slack_bolt.async_app import AsyncApp


def register(app: AsyncApp) -> None:
    """One event."""
    app.event("app_mention")(sleep_in_the_loop)


async def sleep_in_the_loop(event: dict[str, Any]) -> None:
    """The usual mistake."""
    time.sleep(2.5)  # noqa: ASYNC251 - what the test is about
