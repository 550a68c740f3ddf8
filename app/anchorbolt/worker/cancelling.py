"""Cancels the runs of this process that an operator or a listener wants to end."""

from __future__ import annotations

import asyncio

from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.stopping import Stopping
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.timers import is_set_within
from anchorbolt.worker.runs import Cut, Runs

log = get_logger("worker")

# How often a process looks, beside being told: the command line of a SQLite file cannot tell it.
POLL_SECONDS = 0.5


class Cancelling:
    """A loop over the runs of this process, and the way for its listeners to cancel what runs elsewhere."""

    def __init__(self, inbox: Inbox, runs: Runs) -> None:
        self._inbox = inbox
        self._runs = runs
        self._stopping = Stopping()
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Looks for ever. While nothing runs here there is nothing to look for."""
        self._inbox.on_cancel = self._told.set
        while True:
            await is_set_within(self._told, POLL_SECONDS)
            self._told.clear()
            if any(one.held is not None and one.cut is None for one in self._runs):
                await self.look()

    async def look(self) -> None:
        """Cancels the runs that are to be cancelled."""
        try:
            asked = await self._inbox.store.transact(
                lambda connection: self._stopping.asked(connection, self._inbox.owner), reads=True
            )
        except StoreError:
            return  # the store logs that itself; the lane goes on saying it
        for one in self._runs:
            if one.held is not None and one.cut is None and (by := asked.get(one.held.stored.id)) is not None:
                log.warning("run cancelled", key=one.key, lane=one.held.lease.lane, by=by)
                one.cancelled_by = by
                one.stop(Cut.CANCELLED)

    async def cancel_lane(self, lane: str, by: str) -> bool:
        """Cancels what runs in a lane, in whatever process. Returns whether something does. Raises a StoreError."""
        found = await self._inbox.store.transact(
            lambda connection: self._stopping.cancel_lane(connection, lane, by), reads=True
        )
        if found:
            self._inbox.announce_cancel()
            self._told.set()
        return found
