"""Takes the lanes that wait, oldest first: when woken, when there is room again, and once a second in any case."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Held
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.worker.slots import Room

log = get_logger("runner")

POLL_SECONDS = 1.0
MOST_A_CLAIM = 50
# Places become free one by one: so long they are gathered, for a claim is a transaction, whatever it takes.
GATHER_SECONDS = 0.005


class Claims:
    """The loop that fills the room from the inbox."""

    def __init__(
        self,
        inbox: Inbox,
        room: Room,
        begin: Callable[[Held], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._asked_at = 0.0
        self._inbox = inbox
        self._room = room
        self._begin = begin

    async def run(self) -> None:
        """For ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wake.wait(), POLL_SECONDS)
            if self._room.backlog:
                await asyncio.sleep(GATHER_SECONDS)
            self._room.wake.clear()
            if self._room.may_ask:
                await self._claim()

    async def _claim(self) -> None:
        room = self._room
        places = room.reserve(MOST_A_CLAIM)
        # Without a place it still looks whether the inbox is paused or others wait, for both end a lane's turn here.
        if places == 0 and self._clock() - self._asked_at < POLL_SECONDS:
            return
        self._asked_at = self._clock()
        try:
            claimed = await self._inbox.claim(places)
        except Exception as error:
            room.unreserve(places)
            if not isinstance(error, StoreError):  # the inbox says so itself, and is asked again when it is back
                log.exception("a claim failed")  # a defect of ours: a pod that never claims again would look healthy
            return
        if claimed.paused != room.paused:
            room.paused = claimed.paused
            log.warning("inbox paused: all is accepted, nothing runs" if claimed.paused else "inbox resumed")
        room.backlog = len(claimed.held) == places if places else claimed.more
        room.unreserve(places - len(claimed.held))
        if room.backlog and room.free:
            room.wake.set()
        for held in claimed.held:
            if held.taken_over:
                metrics.takeovers.add()
            self._begin(held)
