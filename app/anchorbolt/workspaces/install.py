"""Installs the app: exchanges the code that Slack gave for tokens, and saves them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from sqlalchemy import Connection

from anchorbolt.errors import NotInstalledError, StoreError, StoreRefusedError
from anchorbolt.inbox.store import Store
from anchorbolt.workspaces import grant
from anchorbolt.workspaces.grant import Grant
from anchorbolt.workspaces.installation import Installation
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.oauth_client import OAuthClient, word_of

# For all calls of one installation; Slack's answers take some 300 ms. Proxies give up on an answer after 5 s, and what
# a pod has begun has 3.5 s at its end.
SLACK_SECONDS = 4.0
# The code is used up once Slack has answered: what can be tried again is tried again then.
_TRIES = 3
_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Installed:
    """What is told to the one who installed the app.

    Args:
        installation: as it was saved.
        user_scopes: what was granted by the user for the user.
        app_id: of the app (A...).
        url: of the workspace or organization, as Slack says it: `https://anchor-works.slack.com/`.
    """

    installation: Installation
    user_scopes: tuple[str, ...] = ()
    app_id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Install:
    """The steps of one installation.

    Args:
        store: of the inbox's database.
        changed: told the id of a workspace once its installation has changed (InstallationCache.changed).
        installations: the statements.
        client: of the app.
        redirect_uri: where Slack sent the browser with the code: Slack compares it.
        clock: seconds since 1970.
        again_seconds: how long to wait before the next try.
    """

    store: Store
    changed: Callable[[str], None]
    installations: Installations
    client: OAuthClient
    redirect_uri: str
    clock: Callable[[], float] = time.time
    again_seconds: float = _AGAIN_SECONDS

    async def __call__(self, code: str) -> Installed:
        """Installs the app for a code of Slack's.

        Raises NotInstalledError, which says why in a word, where Slack does not give tokens for the code, and a
        StoreError where the tokens could not be saved. Nothing is stored then.
        """
        url: object = None
        try:
            async with asyncio.timeout(SLACK_SECONDS):
                granted = await self._exchange(code)
                if (bot := granted.installation.bot) is not None:
                    about = await self._whose(bot.access)
                    url, bot_id = about.get("url"), about.get("bot_id")
                    if not isinstance(bot_id, str):
                        bot_id = None
                    granted = replace(granted, installation=replace(granted.installation, bot_id=bot_id))
        except TimeoutError:
            raise NotInstalledError("slack_unreachable", f"no answer within {SLACK_SECONDS} s") from None
        await self._save(granted)
        self.changed(granted.installation.workspace)
        user_scopes = granted.user.scopes if granted.user is not None else ()
        return Installed(granted.installation, user_scopes, granted.app_id, url if isinstance(url, str) else None)

    async def _exchange(self, code: str) -> Grant:
        """Asked once: a code works once, so that a second try after an answer that was lost cannot succeed."""
        asked_at = self.clock()
        answer = await self._call(self.client.access(code=code, redirect_uri=self.redirect_uri))
        try:
            return grant.read(
                answer.data, asked_at=asked_at, installed_at=_date_of(answer.headers) or float(int(asked_at))
            )
        except grant.UnreadableGrantError as error:
            raise NotInstalledError("unreadable", str(error)) from None

    async def _whose(self, token: str) -> Mapping[str, Any]:
        """What auth.test says of the bot's token: the id of the bot, by which a listener's own messages are known."""
        answer = await self._again_and_again(lambda: self._call(self.client.web().auth_test(token=token)))
        return answer.data if isinstance(answer.data, Mapping) else {}

    async def _call(self, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except SlackApiError as error:
            raise NotInstalledError(_short_word_of(error), "Slack refused a call") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotInstalledError("slack_unreachable", type(error).__name__) from None

    async def _save(self, granted: Grant) -> None:
        """One transaction. Tried again while the database is away for a moment: the code is used up already."""

        def work(connection: Connection) -> None:
            if granted.installation.bot is None:
                self.installations.save_without_bot(connection, granted.installation)
            else:
                self.installations.save(connection, granted.installation)
            if granted.user is not None:
                self.installations.save_user(connection, granted.user)

        await self._again_and_again(lambda: self.store.transact(work))

    async def _again_and_again(self, step: Callable[[], Awaitable[Any]]) -> Any:
        """Takes a step, which may be taken again, up to _TRIES times."""
        for _ in range(_TRIES - 1):
            try:
                return await step()
            except StoreRefusedError:  # no try changes that
                raise
            except (NotInstalledError, StoreError):
                await asyncio.sleep(self.again_seconds)
        return await step()


def _short_word_of(error: SlackApiError) -> str:
    """Slack's own word, if it has the form of one: a page and a log line show it."""
    said = word_of(error)
    if said is not None and said.isascii() and said.replace("_", "").isalnum() and len(said) <= 64:
        return said
    return "slack_failed"


def _date_of(headers: Mapping[str, Any]) -> float | None:
    """Slack's clock, from the header Date of an answer: events are compared with it."""
    said = next((value for name, value in (headers or {}).items() if name.lower() == "date"), None)
    try:
        return parsedate_to_datetime(said).timestamp() if isinstance(said, str) else None
    except ValueError:
        return None
