"""The `respond()` of a synchronous listener."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.context.respond import Respond
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.webhook.webhook_response import WebhookResponse

from anchorbolt.bolt.threads.waiting import wait_for


class ThreadRespond(Respond):
    """Bolt's `Respond`, by the request's own, which goes out through the connections of the process."""

    def __init__(self, respond: AsyncRespond) -> None:
        super().__init__(response_url=respond.response_url, proxy=respond.proxy, ssl=respond.ssl)
        self._respond = respond
        self._loop = asyncio.get_running_loop()

    def __call__(self, *args: Any, **kwargs: Any) -> WebhookResponse:
        """Takes the arguments of Bolt's own, and raises what Bolt's own raises."""
        return wait_for(self._respond(*args, **kwargs), self._loop)
