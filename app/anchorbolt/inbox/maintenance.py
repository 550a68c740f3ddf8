"""Maintenance: what the inbox does by itself. It asks whether a database is back, counts, and deletes what ended."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

from anchorbolt.errors import StoreError
from anchorbolt.inbox.retention import BATCH, Retention
from anchorbolt.inbox.stats import Count, Stats
from anchorbolt.inbox.store import Store
from anchorbolt.telemetry.tasks import spawn

PROBE_SECONDS = 0.5
SWEEP_SECONDS = 60.0
SWEEP_PAUSE_SECONDS = 0.2
STATS_SECONDS = 10.0
TIDY_SECONDS = 60.0


class Maintenance:
    """Loops beside the requests, which no error of the database ends."""

    def __init__(self, store: Store, probe: Callable[[], Awaitable[None]], retention: Retention | None) -> None:
        self.stats: Stats | None = None  # of some seconds ago; None while it is not known
        self._store = store
        self._probe = probe
        self._retention = retention
        self._count = Count()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts the periodic tasks: probing the database, stats, tidying, and retention where this process does it."""
        self._loops.append(spawn(self._watch(), "inbox probe"))
        self._loops.append(spawn(self._take_stats(), "inbox stats"))
        self._loops.append(spawn(self._tidy(), "inbox tidying"))
        if self._retention is not None:
            self._loops.append(spawn(self._sweep(self._retention), "inbox retention"))

    async def stop(self) -> None:
        """Cancels the periodic tasks, and waits for their end."""
        for loop in self._loops:
            loop.cancel()
        if self._loops:
            await asyncio.wait(self._loops)

    async def _watch(self) -> None:
        """Asks a database that went away whether it is back, so that nothing has to fail to find out."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if not self._store.up:
                with contextlib.suppress(StoreError):
                    await self._probe()

    async def _sweep(self, retention: Retention) -> None:
        """Deletes what has ended long ago, a batch at a time."""
        while True:
            went = 0
            with contextlib.suppress(StoreError):
                went = await self._store.transact(retention, reads=True)
            await asyncio.sleep(SWEEP_PAUSE_SECONDS if went >= BATCH else SWEEP_SECONDS * (0.5 + random.random()))

    async def _tidy(self) -> None:
        """Removes what is left of deleted rows, which held tokens and what people wrote."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            await self._store.database.tidy()

    async def _take_stats(self) -> None:
        """Counts what the inbox holds, for the metrics: every pod, because any of them may be the last one."""
        while True:
            try:
                self.stats = await self._store.transact(self._count, reads=True)
            except StoreError:
                self.stats = None
            await asyncio.sleep(STATS_SECONDS * (0.8 + 0.4 * random.random()))
