"""Tells who installed the app that it has to be installed again (NOTIFY_INSTALLER)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError

from anchorbolt.telemetry.logs import get_logger
from anchorbolt.workspaces.installation import Installation
from anchorbolt.workspaces.oauth_client import OAuthClient
from anchorbolt.workspaces.token_holder import TokenHolder
from anchorbolt.workspaces.token_requests import CALL_SECONDS

log = get_logger("workspaces")

TEXT = (
    "This app can soon not work here any more, because Slack does not renew its access. Please install it again: {url}"
)


@dataclass(frozen=True, slots=True)
class ReinstallMessage:
    """Sends the message while the old token is valid. `install_url`: where the app is installed."""

    client: OAuthClient
    install_url: str
    wall_clock: Callable[[], float] = time.time

    async def __call__(self, holder: TokenHolder) -> None:
        """Sends it to the installer of a workspace. It raises nothing: the log and the metric have said it already."""
        if not isinstance(holder, Installation) or holder.bot is None or holder.installed_by is None:
            return  # of a user's token, its listener tells that user
        if holder.bot.expires_at is not None and holder.bot.expires_at <= self.wall_clock():
            log.info("the installer is not told: the old token has expired", workspace=holder.workspace)
            return
        text = TEXT.format(url=self.install_url)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self.client.web().chat_postMessage(
                    channel=holder.installed_by, text=text, token=holder.bot.access
                )
        except (SlackApiError, aiohttp.ClientError, OSError) as error:
            log.warning("the installer could not be told", workspace=holder.workspace, error=type(error).__name__)
