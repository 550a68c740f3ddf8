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

# A lease is renewed when this part of its time is over, and the loop looks again after each LOOK of it. In the worst
# case the tries come after 1/2, 2/3 and 5/6 of it: three before the run is stopped for its MARGIN.
RENEW_AFTER = 1 / 3
LOOK = 1 / 6
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
        """Renews the leases of all runs before they end, until it is cancelled. It sleeps while nothing is due."""
        every = self._lease_seconds * LOOK
        took = 0.0
        while True:
            # A try that took long must not cost one of those that may follow.
            await asyncio.sleep(max(0.0, every - took) if self._inbox.up else min(every, 0.2))
            began = self._clock()
            # What began a moment ago has its lease; most runs end before they need this.
            due_at = began + self._lease_seconds * (1 - RENEW_AFTER)
            due = [one for one in self._runs if one.keeps_lease and one.expires_at <= due_at]
            if due and self._inbox.up:
                await self._renew(due)
            took = self._clock() - began

    async def watch(self) -> None:
        """Stops runs whose leases could not be renewed, for ever. It never waits for the database."""
        while True:
            await asyncio.sleep(min(0.25, self._lease_seconds * MARGIN / 2))
            self.stop_expired()

    def stop_expired(self) -> None:
        """Stops the runs whose lease is about to end.

        A claim must come after it: when the event loop stood still, this process could claim what it runs itself.
        """
        ends_by = self._clock() + self._lease_seconds * MARGIN
        for one in self._runs:
            if one.cut is None and one.expires_at <= ends_by:
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
            # A run whose end is on its way to the inbox, or was written a moment ago, may have given up its lease by
            # itself; the answer to that write says whether it still held. One that was stopped has said so already.
            gave_up = one.writes_end or one.cut is not None or one not in self._runs
            if not gave_up and one.held is not None and one.held.lease == lease:
                log.warning("lease lost: another process holds the lane", key=one.key, lane=lease.lane)
                one.stop(Cut.LOST)
        for one in leases.values():
            one.expires_at = sent_at + self._lease_seconds
