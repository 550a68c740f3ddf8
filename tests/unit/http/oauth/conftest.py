"""The two pages on an inbox in memory, against the Slack emulator, as a browser without a screen sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import aiohttp
import httpx
import pytest
from anchorbolt.emulator.emulator import Emulator
from anchorbolt.http.application import Application
from anchorbolt.http.oauth.routes import routes
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.settings.model import Settings
from anchorbolt.workspaces.installation import Installation
from anchorbolt.workspaces.installation_cache import InstallationCache
from starlette.responses import Response

from tests.support.rotation_pod import KEYS

PUBLIC_URL = "https://app.example.com"
SETTINGS = {
    "slack_client_id": "1.2",
    "slack_client_secret": "planted-client-secret",
    "slack_scopes": "commands,chat:write",
    "public_url": PUBLIC_URL,
}


@dataclass
class Site:
    """The pages, and what is behind them."""

    slack: Emulator
    inbox: Inbox
    cache: InstallationCache
    session: aiohttp.ClientSession
    away: bool = False
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self, **changes: Any) -> httpx.AsyncClient:
        """A browser with cookies of its own. `changes`: of the settings, which all of its pages are made with."""
        settings = Settings(**{**SETTINGS, "slack_api_url": self.slack.api_url, **changes}, _env_file=None)
        web = Application(Response("slack"))
        web.router.routes += routes(settings, self.inbox.store, self.cache, lambda: self.session, lambda: self.away)
        made = httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url=settings.public_url or "")
        self.clients.append(made)
        return made

    async def to_slack(self, browser: httpx.AsyncClient) -> str:
        """Begins an installation. Returns the address of Slack's page."""
        sent = await browser.get("/slack/install?direct=1")
        assert sent.status_code == 302
        return sent.headers["location"]

    async def answer(self, page: str, answer: str = "allow", team: str = "T0HARB0R") -> str:
        """A user's click on Slack's page. Returns where the browser is sent: path and query."""
        asked = dict(parse_qsl(urlsplit(page).query))
        async with httpx.AsyncClient(verify=False) as http:
            sent = await http.post(page, data={**asked, "answer": answer, "team": team})
        back = urlsplit(sent.headers["location"])
        return f"{back.path}?{back.query}"

    async def saved(self) -> dict[str, Installation]:
        """All installations."""
        return {one.workspace: one for one in await self.inbox.store.transact(self.cache.installations.all)}


def state_of(address: str) -> str:
    """The state in an address."""
    return parse_qs(urlsplit(address).query)["state"][0]


def with_query(address: str, **changes: str | None) -> str:
    """An address with other parameters; None takes one away."""
    parts = urlsplit(address)
    query = {**dict(parse_qsl(parts.query)), **changes}
    return f"{parts.path}?{urlencode({name: value for name, value in query.items() if value is not None})}"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """The pages."""
    inbox = Inbox(SqliteDatabase(None), lease_seconds=30)
    await inbox.open()
    async with Emulator() as slack, aiohttp.ClientSession() as session:
        made = Site(slack, inbox, InstallationCache(inbox.store, KEYS, wake_others=lambda: None), session)
        yield made
        for one in made.clients:
            await one.aclose()
    await inbox.close()
