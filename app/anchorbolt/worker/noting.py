"""Notes which listener runs a delivery, for those that take longer than a moment: operators see it in the inbox.

One statement a second for all runs that are not noted yet. It only informs, so it needs no fence: what a lost lease
leaves in the row is the name of the listener that did run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from sqlalchemy import Connection, select, update

from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.tables import delivery
from anchorbolt.worker.runs import Runs

EVERY_SECONDS = 1.0


class Noting:
    """A loop over the runs of this process. `clock`: the worker's, in seconds."""

    def __init__(self, inbox: Inbox, runs: Runs, clock: Callable[[], float] = time.monotonic) -> None:
        self._inbox = inbox
        self._runs = runs
        self._clock = clock
        self._noted: set[int] = set()

    async def run(self) -> None:
        """Notes once a second which listeners run, until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.note()

    async def note(self) -> None:
        """Notes the listeners of runs that go on for a second or more, each once."""
        due_before = self._clock() - EVERY_SECONDS
        running = {
            one.held.stored.id: one.run.listener
            for one in self._runs
            if one.held is not None and one.run is not None and one.run.listener and one.run.began <= due_before
        }
        self._noted &= running.keys()
        new = {id_: listener for id_, listener in running.items() if id_ not in self._noted}
        if not new:
            return

        def work(connection: Connection) -> None:
            for listener in set(new.values()):
                ids = [id_ for id_, of in new.items() if of == listener]
                # What is locked is ended at this moment: to wait for it could be a deadlock with a group of ends.
                free = select(delivery.c.id).where(delivery.c.id.in_(ids)).with_for_update(skip_locked=True)
                connection.execute(update(delivery).where(delivery.c.id.in_(free)).values(listener=listener))

        try:
            await self._inbox.store.transact(work)
        except StoreError:
            return  # the store logs that itself; the next look notes them
        self._noted |= new.keys()
