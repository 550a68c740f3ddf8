"""LISTEN/NOTIFY: tells the other processes that a lane waits or the leader lock changed, and hears it from them.

A notification is a hint: it has no payload, many become one, and whoever misses one looks within a second anyway. It is
sent after the commit, because a NOTIFY inside of a transaction makes all commits of the database queue behind one lock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import asyncpg

from anchorbolt.inbox.database import Wake
from anchorbolt.inbox.postgresql.address import Address
from anchorbolt.telemetry.tasks import spawn
from anchorbolt.timers import is_set_within

GATHER_SECONDS = 0.02
RECONNECT_SECONDS = 1.0
# A connection that is half open says nothing: it is asked so often, and given up when it does not answer.
ASK_SECONDS = 3.0
ANSWER_SECONDS = 3.0
# How long a process that ends waits until its last notification is sent: lanes were handed back.
LAST_WORD_SECONDS = 0.5


class Wakeup:
    """One connection of its own, which must not go through a pooler in transaction mode."""

    def __init__(self, address: Address, on_wake: Callable[[Wake], None]) -> None:
        self._address = address
        self._on_wake = on_wake
        self._wanted: set[Wake] = set()
        self._some = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connects, and connects again whenever the connection breaks."""
        self._task = spawn(self._run(), "listen")

    def wake_others(self, wake: Wake) -> None:
        """Notifies the other processes soon; what is asked meanwhile is sent once."""
        self._wanted.add(wake)
        self._some.set()
        self._sent.clear()

    async def stop(self) -> None:
        """Sends what was asked for and is not sent yet, and ends the connection."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._sent.wait(), LAST_WORD_SECONDS)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._connected()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _connected(self) -> None:
        connection = await self._address.connect(within_seconds=ANSWER_SECONDS, statement_cache_size=0)
        try:
            for wake in Wake:
                await connection.add_listener(wake, self._heard)
                self._on_wake(wake)  # in case somebody notified while nobody listened
            while True:
                if not await is_set_within(self._some, ASK_SECONDS):
                    await connection.execute("SELECT 1", timeout=ANSWER_SECONDS)
                    continue
                await asyncio.sleep(GATHER_SECONDS)
                wanted, self._wanted = self._wanted, set()
                self._some.clear()
                await connection.execute("; ".join(f"NOTIFY {wake}" for wake in wanted), timeout=ANSWER_SECONDS)
                if not self._wanted:
                    self._sent.set()
        finally:
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, channel: str, _payload: str) -> None:
        self._on_wake(Wake(channel))
