"""The whole app inside of a test, without sockets: built by the composition root, asked over ASGI."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from anchorbolt import main
from anchorbolt.emulator.player import Player
from anchorbolt.emulator.signing import EMULATOR_SECRET
from anchorbolt.inbox.tables import delivery
from anchorbolt.intake.intake import Intake
from anchorbolt.lifecycle.life import Parts
from anchorbolt.lifecycle.transport import HttpTransport
from anchorbolt.settings.model import Settings
from slack_bolt.async_app import AsyncApp
from sqlalchemy import Row, func, select

from tests.support.waiting import until_answer

URL = "http://app/slack/events"


@dataclass(frozen=True, slots=True)
class App:
    """The parts, running, and two ways to ask them: as Slack does, and with any request whatever."""

    parts: Parts
    intake: Intake
    player: Player
    http: httpx.AsyncClient

    async def rows(self) -> int:
        """How many deliveries the inbox holds, live or ended."""
        return await self.parts.inbox.database.transact(
            lambda connection: connection.execute(select(func.count()).select_from(delivery)).scalar_one()
        )

    async def stored(self, key: str | None) -> Row[Any] | None:
        """A delivery as the inbox has it; None where it has it not."""
        return await self.parts.inbox.database.transact(
            lambda connection: connection.execute(select(delivery).where(delivery.c.key == key)).one_or_none()
        )

    async def until_ended(self, key: str | None) -> Row[Any]:
        """Waits until a stored delivery is done or dead."""

        async def ended() -> Row[Any] | None:
            row = await self.stored(key)
            return row if row is not None and row.state != "live" else None

        return await until_answer(ended, what=f"{key} has ended")


@contextmanager
def environment_kept() -> Iterator[None]:
    """Takes back what the app has put into the environment for a team's module: the next test is another app's."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]


@asynccontextmanager
async def app_in_process(register: Callable[[AsyncApp], None] | None = None, **settings: Any) -> AsyncIterator[App]:
    """The app on an inbox in memory, unless the settings (by their names in Settings) say otherwise.

    `register` is what the module that LISTENERS names would have; without it, that is tests.support.listeners.
    """
    own: dict[str, Any] = {
        "slack_signing_secret": EMULATOR_SECRET,
        "slack_bot_token": "xoxb-made-up",
        "slack_api_url": "http://127.0.0.1:9/api/",  # nobody is there: whoever calls Slack says where it is
        "database_url": "sqlite+aiosqlite://",
        "listeners": "tests.support.listeners" if register is None else "tests.support.no_listeners",
        "backoff_base_seconds": 0.01,
        "backoff_cap_seconds": 0.02,
    }
    with environment_kept():
        parts = main.build(Settings(_env_file=None, **(own | settings)), [])
    if register is not None:
        register(parts.bolt)
    await parts.bolt.open()
    await parts.inbox.open()
    parts.worker.start()
    assert isinstance(parts.transport, HttpTransport)
    transport = httpx.ASGITransport(parts.transport.application, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport) as http:
            yield App(parts, parts.intake, Player(http, URL, EMULATOR_SECRET, wait_seconds=30), http)
    finally:
        parts.worker.stop_taking()
        await parts.worker.hand_back(5)
        await parts.worker.stop()
        await parts.inbox.close()
        await parts.bolt.close()
