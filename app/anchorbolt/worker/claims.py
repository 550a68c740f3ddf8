"""Claims waiting lanes, in the order of inbox/claim.py.

The inbox is asked when this process is woken, when a slot becomes free, and once a second in any case.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Held
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.timers import is_set_within
from anchorbolt.worker.slots import RunSlots

log = get_logger("worker")

POLL_SECONDS = 1.0
MAX_CLAIMED = 50
# Slots become free one by one. A claim waits so long for more of them, because each claim is a transaction.
GATHER_SECONDS = 0.005
# How long after a failure the database is asked again for what a drain gives back.
RETRY_SECONDS = 0.1


class Claims:
    """The loop that fills the free slots from the inbox."""

    def __init__(
        self,
        inbox: Inbox,
        slots: RunSlots,
        begin: Callable[[Held], None],
        before: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`begin`: takes a lane that was claimed. `before`: called before each claim."""
        self._before = before
        self._clock = clock
        self._asked_at = 0.0
        self._asking = asyncio.Lock()  # held while a claim is under way
        self._inbox = inbox
        self._slots = slots
        self._begin = begin

    async def run(self) -> None:
        """Claims lanes whenever slots are free and something waits, until it is cancelled."""
        while True:
            await is_set_within(self._slots.wake, POLL_SECONDS)
            if self._slots.backlog:
                await asyncio.sleep(GATHER_SECONDS)
            self._slots.wake.clear()
            if self._slots.may_ask:
                async with self._asking:
                    await self._claim()

    async def give_back(self) -> None:
        """Gives back the lanes that claims may have taken whose answers were lost, once no claim is under way.

        For the end of the process, which makes no other claim. It tries until the database is there: bound its time.
        """
        async with self._asking:
            while self._inbox.claims_in_doubt:
                try:
                    await self._inbox.claim(0)
                except StoreError:
                    await asyncio.sleep(RETRY_SECONDS)
                except Exception:  # a defect of ours, which must not end the drain
                    log.exception("a claim failed")
                    return
                else:
                    self._inbox.wake_others()
                    self._inbox.wake_others_urgently()  # one of them may be that of an urgent event
                    return

    async def _claim(self) -> None:
        slots, urgent_slots = self._slots, self._slots.urgent
        reserved = slots.reserve(MAX_CLAIMED)
        # Also without a free slot, once a second: if the inbox is paused or others wait, a lane must make room. For an
        # urgent event that is known to wait, at once.
        if reserved == 0 and not urgent_slots.is_awaited() and self._clock() - self._asked_at < POLL_SECONDS:
            return
        self._asked_at = self._clock()
        self._before()
        urgent_slots.asked()
        urgent = urgent_slots.reserve_for_claim()
        try:
            claimed = await self._inbox.claim(reserved, urgent)
        except Exception as error:
            slots.unreserve(reserved)
            urgent_slots.unanswered(urgent)
            if not isinstance(error, StoreError):  # the inbox logs that itself, and is asked again when it is back
                log.exception("a claim failed")  # a defect of ours: a pod that never claims again would look healthy
            return
        if claimed.paused != slots.paused:
            slots.paused = claimed.paused
            log.warning("inbox paused: all is accepted, nothing runs" if claimed.paused else "inbox resumed")
        of_urgent = sum(is_urgent(held.lease.lane) for held in claimed.held)
        urgent_slots.answered(urgent, of_urgent)
        others = len(claimed.held) - of_urgent
        slots.backlog = others == reserved if reserved else claimed.more
        slots.unreserve(reserved - others)
        if slots.backlog and slots.free:
            slots.wake.set()
        for held in claimed.held:
            if held.taken_over:
                metrics.takeovers.add()
                log.info("taken over from a pod whose lease ran out", key=held.stored.key, lane=held.lease.lane)
            self._begin(held)
