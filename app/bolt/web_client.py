"""The Web API client that all listeners share: one session, and Slack's wishes on retries honoured."""

from __future__ import annotations

import copy
import logging

import aiohttp
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from app.bolt.watched_client import WatchedClient, Witness

TIMEOUT_SECONDS = 30
LOGGER = "slack_sdk.web.async_client"  # the SDK's own name


def create(token: str, base_url: str) -> AsyncWebClient:
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


def session() -> aiohttp.ClientSession:
    """One session for the process: connections are kept, and a request has a time limit of its own."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS), connector=aiohttp.TCPConnector(limit=100)
    )


def for_request(client: AsyncWebClient, team_id: str | None) -> AsyncWebClient:
    """A client that a listener may change (its token, its headers) without changing anybody else's."""
    mine = copy.copy(client)
    mine.headers = dict(client.headers)
    mine.retry_handlers = list(client.retry_handlers)
    mine.default_params = {"team_id": team_id} if team_id else {}
    return mine
