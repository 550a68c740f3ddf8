"""The Web API client that all listeners share: one session, and Slack's wishes on retries honoured."""

from __future__ import annotations

import logging

import aiohttp
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)

from anchorbolt.bolt.web_api.pool import CONNECTIONS, WebPool
from anchorbolt.bolt.web_api.watched_client import Shared, WatchedClient, Witness

TIMEOUT_SECONDS = 30
LOGGER = "slack_sdk.web.async_client"  # the SDK's own name


def create(token: str, base_url: str) -> WatchedClient:
    """The client without its session, which needs a running loop."""
    logger = logging.getLogger(LOGGER)
    if logger.level == logging.NOTSET:
        # The SDK looks at the logger's own level, and takes 0 for DEBUG: it would write a line for nobody in each call.
        logger.setLevel(logger.getEffectiveLevel())
    return WatchedClient(
        token=token,
        base_url=base_url,
        timeout=TIMEOUT_SECONDS,
        user_agent_prefix="Anchorbolt",
        logger=logger,
        retry_handlers=[
            Witness(),  # first: it sees what the others repeat
            AsyncConnectionErrorRetryHandler(),
            AsyncRateLimitErrorRetryHandler(max_retry_count=1),
            AsyncServerErrorRetryHandler(),
        ],
    )


def share(client: WatchedClient) -> None:
    """Opens what all clients of the process share: connections are kept, and a request has a time limit of its own."""
    client.session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS), connector=aiohttp.TCPConnector(limit=CONNECTIONS)
    )
    client.shared = Shared(client.session, WebPool(client.base_url, TIMEOUT_SECONDS), client.retry_handlers)


async def close(client: WatchedClient) -> None:
    """Ends the connections."""
    if client.shared is not None:
        client.shared.pool.close()
        await client.shared.session.close()


def for_request(client: WatchedClient, team_id: str | None) -> WatchedClient:
    """A client that a listener may change (its token, its headers) without changing anybody else's."""
    mine = WatchedClient.__new__(WatchedClient)  # a tenth of what copy.copy takes
    mine.__dict__ = client.__dict__.copy()
    mine.headers = client.headers.copy()
    mine.retry_handlers = client.retry_handlers.copy()
    mine.default_params = {"team_id": team_id} if team_id else {}
    return mine
