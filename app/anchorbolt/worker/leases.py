"""Renews the leases of what runs, and stops a run in time before another process may claim its lane."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.worker.runs import Cut, Running, Runs

log = get_logger("worker")

# So there are three tries before the lease runs out.
RENEWALS_PER_LEASE = 3
# A lease that was not renewed counts as lost this part of its time before its end: a run needs some time to stop.
MARGIN = 0.1


class Leases:
    """Two loops over the runs of this process: one asks the database, the other looks at the clock alone."""

    def __init__(self, inbox: Inbox, runs: Runs, clock: Callable[[], float] = time.monotonic) -> None:
        self._inbox = inbox
        self._runs = runs
        self._clock = clock
        self._lease_seconds = inbox.lease_seconds

    async def renew(self) -> None:
        """Renews leases for ever."""
        every = self._lease_seconds / RENEWALS_PER_LEASE
        while True:
            await asyncio.sleep(every if self._inbox.up else min(every, 0.2))
            # What began a moment ago has its lease; most runs end before they need this.
            due = [one for one in self._runs if one.expires_at - self._clock() < self._lease_seconds - every / 2]
            if due and self._inbox.up:
                await self._renew(due)

    async def watch(self) -> None:
        """Stops runs whose leases could not be renewed, for ever. It never waits for the database."""
        margin = self._lease_seconds * MARGIN
        while True:
            await asyncio.sleep(min(0.25, margin / 2))
            now = self._clock()
            for one in self._runs:
                if one.cut is None and one.expires_at - margin <= now:
                    log.warning("lease not renewed in time: run stopped", key=one.key)
                    one.stop(Cut.EXPIRED)

    async def _renew(self, due: list[Running]) -> None:
        sent_at = self._clock()
        leases = {one.held.lease: one for one in due if one.held is not None}
        try:
            lost = await self._inbox.renew(list(leases))
        except StoreError:
            return  # the inbox logs that itself; `watch` stops what it must
        for lease in lost:
            one = leases.pop(lease)
            # A run that has just ended has given up its lease by itself.
            if one in self._runs and one.held is not None and one.held.lease == lease:
                log.warning("lease lost: another process holds the lane", key=one.key, lane=lease.lane)
                one.stop(Cut.LOST)
        for one in leases.values():
            one.expires_at = sent_at + self._lease_seconds
