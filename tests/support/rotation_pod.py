"""What rotates tokens in one process, on an inbox of a test; and that as a process of its own, which a test may kill.

`python -m tests.support.rotation_pod DATABASE_URL SLACK_URL [--stall]` refreshes the token of the workspace T1 and
prints it. With --stall it stands still once it has Slack's answer: it prints `answered`, and writes nothing. What it
prints has a `=` before it; the other lines are its log.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from anchorbolt.encryption import Keys
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.store import Store
from anchorbolt.workspaces.installation import Installation, Token, UserToken
from anchorbolt.workspaces.installations import Installations
from anchorbolt.workspaces.oauth_client import OAuthClient
from anchorbolt.workspaces.refresh_statements import RefreshStatements
from anchorbolt.workspaces.refresher import Refresher, tell_nobody
from anchorbolt.workspaces.reinstall_message import ReinstallMessage
from anchorbolt.workspaces.token_holder import TokenId
from anchorbolt.workspaces.token_requests import TokenRequests
from anchorbolt.workspaces.token_rotation import TokenRotation
from sqlalchemy.engine import make_url

KEYS = Keys([b"k" * 32])
INSTALL_URL = "https://app.example.com/slack/install"


class Wall:
    """A clock of a test, in seconds since 1970."""

    def __init__(self, now: float = 1_900_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time."""
        return self.now


class Remembered:
    """A cache that remembers nothing but what it was told."""

    def __init__(self) -> None:
        self.changes: list[str] = []

    def changed(self, workspace: str) -> None:
        """Notes it."""
        self.changes.append(workspace)


async def save(store: Store, installations: Installations, *found: Installation | UserToken) -> None:
    """Saves installations and users' tokens, each in a transaction."""
    for one in found:
        if isinstance(one, UserToken):
            await store.transact(lambda c, one=one: installations.save_user(c, one))
        else:
            await store.transact(lambda c, one=one: installations.save(c, one))


class RotationPod:
    """The parts of one process, on `inbox`."""

    def __init__(
        self,
        inbox: Inbox,
        slack_url: str,
        session: aiohttp.ClientSession,
        wall: Wall,
        *,
        notify: bool = False,
        **options: Any,
    ) -> None:
        self.store = inbox.store
        self.installations = Installations(inbox.database.dialect, KEYS)
        self.cache = Remembered()
        client = OAuthClient(lambda: session, slack_url, "1.2", "of-the-app")
        self.requests = TokenRequests(client, wall_clock=wall)
        self.statements = RefreshStatements(self.installations, inbox.owner)
        tell = ReinstallMessage(client, INSTALL_URL, wall) if notify else tell_nobody
        self.refresher = Refresher(self.store, self.cache.changed, self.statements, self.requests, tell)
        self.rotation = TokenRotation(self.refresher, wall, **options)

    async def save(self, *found: Installation | UserToken) -> None:
        """Installs, as a browser would."""
        await save(self.store, self.installations, *found)

    async def bot(self, workspace: str = "T1") -> Installation:
        """The installation as it is stored."""
        found = await self.store.transact(lambda c: self.statements.find(c, TokenId(workspace)))
        assert isinstance(found, Installation)
        return found

    async def user(self, user_id: str = "U1", workspace: str = "T1") -> UserToken:
        """The user's token as it is stored."""
        found = await self.store.transact(lambda c: self.statements.find(c, TokenId(workspace, user_id)))
        assert isinstance(found, UserToken)
        return found


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The HTTP session of a process."""
    async with aiohttp.ClientSession() as opened:
        yield opened


class _Stalls(RefreshStatements):
    """It has Slack's answer, and never writes it."""

    def write(self, connection: Any, token_id: TokenId, used: str, fresh: Token) -> None:
        """Tells its test, and stands still until it is killed."""
        print("= answered", flush=True)  # noqa: T201 - its test reads it
        while True:
            time.sleep(60)


async def _main(url: str, slack_url: str, *options: str) -> None:
    address = make_url(url)
    inbox = Inbox(PostgresqlDatabase(address, listen_url=address), lease_seconds=15)
    await inbox.open()
    async with session() as opened:
        wall = Wall()
        pod = RotationPod(inbox, slack_url, opened, wall, wait_seconds=40)
        if options:
            stalls = _Stalls(pod.installations, inbox.owner)
            pod.refresher = Refresher(pod.store, pod.cache.changed, stalls, pod.requests)
            pod.rotation = TokenRotation(pod.refresher, wall)
        held = await pod.bot()
        found = await asyncio.gather(*(pod.rotation.fresh(held) for _ in range(50)))
        assert all(one == found[0] for one in found)
        print("=", found[0].bot.access if found[0].bot else None, flush=True)  # noqa: T201 - its test reads it
    await inbox.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
