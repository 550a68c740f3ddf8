"""Calls Slack to open connections, and explains Slack's refusals."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from aiohttp import ClientWebSocketResponse
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from anchorbolt.bolt import slack_error
from anchorbolt.errors import SlackRefusesError, SlackUnreachableError

LOGGER = "slack_sdk.web.async_client"  # the SDK's own name
ASK_SECONDS = 5.0
CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 0.3
# Slack's payloads are far smaller. The limit protects our memory from a faulty peer.
LARGEST_BYTES = 16 * 1024 * 1024

TOKEN = "make an app-level token with connections:write under Basic Information, and set SLACK_APP_TOKEN to it"  # noqa: S105 - a sentence
MANY = "fewer replicas, or SOCKET_CONNECTIONS=single; look who else uses this app's token"
OFF = "switch Socket Mode on in the settings of your Slack app"

# Slack's errors that trying again does not fix, and what to do. https://docs.slack.dev/reference/methods/apps.connections.open
ADVICE = {
    **dict.fromkeys(
        (
            *("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"),
            *("not_allowed_token_type", "no_permission", "access_denied"),
        ),
        TOKEN,
    ),
    "too_many_websockets": f"Slack allows an app 10 connections: {MANY}",
    "link_disabled": OFF,
    "socket_mode_not_enabled": OFF,
}


def refusal(word: str) -> SlackRefusesError:
    """The error for one of the words in ADVICE."""
    return SlackRefusesError(word, ADVICE[word])


class Slack:
    """Opens connections with an app-level token."""

    def __init__(self, app_token: str, api_url: str) -> None:
        logger = logging.getLogger(LOGGER)
        if logger.level == logging.NOTSET:  # see bolt/web_api/client.py
            logger.setLevel(logger.getEffectiveLevel())
        self._token = app_token
        # No retries by slack_sdk: they would wait as long as Slack says without a sign of it; the transport retries.
        self._client = AsyncWebClient(base_url=api_url, timeout=round(ASK_SECONDS), logger=logger, retry_handlers=[])
        self._session: aiohttp.ClientSession | None = None

    async def url(self) -> str:
        """Returns a URL that is valid for one connection. Raises SlackUnreachableError or SlackRefusesError."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                answer = await self._client.apps_connections_open(app_token=self._token)
        except SlackApiError as error:
            raise _meaning(error) from None  # its text may quote what was sent
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SlackUnreachableError(f"apps.connections.open: {type(error).__name__}") from None
        return str(answer["url"])

    async def connect(self) -> ClientWebSocketResponse:
        """Opens a WebSocket; its hello has yet to arrive. Raises SlackUnreachableError or SlackRefusesError."""
        url = await self.url()
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._session.ws_connect(
                    url,
                    autoping=False,  # pings and pongs count as signs of life
                    max_msg_size=LARGEST_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                    proxy=self._client.proxy,  # HTTPS_PROXY, as for the Web API
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SlackUnreachableError(f"its WebSocket: {type(error).__name__}") from None

    async def close(self) -> None:
        """Closes the HTTP session over which Slack is asked for connections."""
        if self._session is not None:
            await self._session.close()


def _meaning(error: SlackApiError) -> SlackRefusesError | SlackUnreachableError:
    said = slack_error.word(error)
    if said in ADVICE:
        return refusal(said)
    seconds = slack_error.retry_after_seconds(error)
    return SlackUnreachableError(f"apps.connections.open answered {said or 'no JSON'}", seconds)
