"""Writes every few seconds that this process lives, with its version and its state: `inbox top` shows it."""

from __future__ import annotations

import asyncio

from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.pods import EVERY_SECONDS, Pods
from anchorbolt.worker.slots import RunSlots


class Presence:
    """A loop beside the runs; no run waits for it. `version`: of the team's code. `concurrency`: RUN_CONCURRENCY."""

    def __init__(self, inbox: Inbox, slots: RunSlots, version: str, concurrency: int) -> None:
        self._inbox = inbox
        self._slots = slots
        self._version = version
        self._concurrency = concurrency
        self._pods = Pods(inbox.database.dialect)

    async def run(self) -> None:
        """Writes every few seconds that this process lives, until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.write()

    async def write(self) -> None:
        """Writes it once. Where the database is away, the next time does."""
        takes, name = self._slots.takes, self._inbox.owner
        state = "draining" if not self._slots.open else "runs" if takes else "stores"
        slots = self._concurrency if takes else 0
        try:
            await self._inbox.store.transact(lambda c: self._pods.write(c, name, self._version, state, slots))
        except StoreError:
            return  # the store logs that itself
