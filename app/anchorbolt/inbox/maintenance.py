"""What the inbox does by itself: asks whether a database is back, counts what there is, lets go of what ended."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

from anchorbolt.errors import StoreError
from anchorbolt.inbox.retention import BATCH, Retention
from anchorbolt.inbox.stats import Census, Count
from anchorbolt.inbox.store import Store
from anchorbolt.telemetry.tasks import spawn

PROBE_SECONDS = 0.5
SWEEP_SECONDS = 60.0
SWEEP_PAUSE_SECONDS = 0.2
CENSUS_SECONDS = 10.0


class Upkeep:
    """Loops beside the requests, which no error of the database ends."""

    def __init__(self, store: Store, probe: Callable[[], Awaitable[None]], retention: Retention | None) -> None:
        self.census: Census | None = None  # of some seconds ago; None while it is not known
        self._store = store
        self._probe = probe
        self._retention = retention
        self._count = Count()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins."""
        self._loops.append(spawn(self._watch(), "inbox probe"))
        self._loops.append(spawn(self._take_census(), "inbox census"))
        if self._retention is not None:
            self._loops.append(spawn(self._sweep(self._retention), "inbox retention"))

    async def stop(self) -> None:
        """Ends it."""
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
        """Lets go of what has ended long ago, a little at a time."""
        while True:
            went = 0
            with contextlib.suppress(StoreError):
                went = await self._store.transact(retention, reads=True)
            await asyncio.sleep(SWEEP_PAUSE_SECONDS if went >= BATCH else SWEEP_SECONDS * (0.5 + random.random()))

    async def _take_census(self) -> None:
        """Counts what the inbox holds, for the metrics: every pod, because any of them may be the last one."""
        while True:
            try:
                self.census = await self._store.transact(self._count, reads=True)
            except StoreError:
                self.census = None
            await asyncio.sleep(CENSUS_SECONDS * (0.8 + 0.4 * random.random()))
