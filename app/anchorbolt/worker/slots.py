"""Slots for concurrent runs: how many more stored deliveries may run here, and whether any may begin at all."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from anchorbolt.inbox.inbox import Inbox
from anchorbolt.timers import call_later
from anchorbolt.worker.urgent_slots import UrgentSlots

# After the database was away: whoever held a lane renews it or hands it back before anybody claims.
CLAIM_PAUSE_SECONDS = 1.0
# An arrival waits for a slot only if, by how fast slots became free lately, it will have one so soon. Else it is stored
# and whoever has a slot claims it.
SOON_SECONDS = 0.4
# It is also stored if none became free after so long. Slack waits three seconds.
PATIENCE_SECONDS = 1.0
# So many times RUN_CONCURRENCY runs may wait with their slots lent out. Each keeps a lane, a lease and memory.
MOST_LENT = 10
# The estimate uses the last so many slots that became free,
MEASURED = 256
# and counts so many more as free at once: just after a burst has begun, none of it can have ended yet.
ASSUMED = 32


class RunSlots:
    """The slots of this process, RUN_CONCURRENCY of them. `takes` False: it only stores, others run.

    `urgent`: the few slots beside them that only urgent events have.
    """

    def __init__(
        self, inbox: Inbox, concurrency: int, *, takes: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = inbox.store
        self._clock = clock
        self.takes = takes
        self.free = concurrency
        self.lent = 0  # slots of runs that wait for a rate gate: others use them meanwhile
        self._most_lent = MOST_LENT * concurrency
        self.open = True  # False: the pod drains (see shut)
        self.paused = False  # by an operator, for all pods
        self.backlog = False  # whether lanes are known to wait: they come before what arrives now
        self.wake = asyncio.Event()
        self.urgent = UrgentSlots(self.wake)
        self._waiting: deque[asyncio.Future[bool]] = deque()
        # First the time when the last slot was taken, then the times when slots became free.
        self._freed_at: deque[float] = deque(maxlen=MEASURED)
        self._is_arrivals_turn = False

    @property
    def may_begin(self) -> bool:
        """Whether a lane may be taken now."""
        return not self.paused and self.may_ask

    @property
    def may_ask(self) -> bool:
        """Whether the inbox may be asked for lanes: also while it is paused, to learn that it no longer is."""
        store = self._store
        return self.takes and self.open and store.up and self._clock() - store.up_since >= CLAIM_PAUSE_SECONDS

    def most_to_wake(self) -> int:
        """Returns how many parked lanes this process may wake for itself: one also where no slot is free.

        That one then waits in the order of claims; without it, a busy process would never come to what is parked.
        """
        return max(1, self.free) if self.may_begin else 0

    async def reserve_for_arrival(self, *, urgent: bool = False) -> bool:
        """Takes a slot for a delivery that arrives now; returns whether there was one, now or soon.

        `urgent`: it is an urgent event, which has a slot of its own now or not at all, and never waits for one.

        Under more load than the processor can take, a short wait for a slot keeps what arrives at the pace of what
        ends: stored at once, it would only be claimed and read again a moment later, for twice the work.
        """
        if not self.may_begin:
            return False
        if urgent:
            return self.urgent.reserve_for_arrival()
        if self.free > 0 and not self.backlog:
            self._take(1)
            return True
        if self._wait_seconds() > SOON_SECONDS:
            return False
        slot: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        impatience = call_later(PATIENCE_SECONDS, self._lose_patience, slot)
        try:
            return await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled() and slot.result():
                self.give_back()
            raise
        finally:
            impatience.cancel()

    def reserve(self, most: int) -> int:
        """Takes up to `most` slots, and returns how many."""
        slots = max(0, min(self.free, most))
        self._take(slots)
        return slots

    def exceed(self) -> None:
        """Counts a run that began without a reserved slot: its lane was taken by a commit whose outcome was unknown."""
        self.free -= 1

    def unreserve(self, slots: int) -> None:
        """Gives back slots that were reserved and not needed."""
        self.free += slots
        if not self.backlog:
            self._give(self.free)

    def give_back(self, *, urgent: bool = False) -> None:
        """Gives back a slot after a run. While lanes wait, they get every second one.

        If they got all of them, every arrival would have to be stored and claimed too, and the backlog would never end.
        `urgent`: it was one of those for urgent events.
        """
        if urgent:
            self.urgent.give_back()
            return
        self.free += 1
        self._freed_at.append(self._clock())
        if self.backlog:
            self.wake.set()
            self._is_arrivals_turn = not self._is_arrivals_turn
            self._give(int(self._is_arrivals_turn))
        elif self._waiting:
            self._give(self.free)

    def lend(self) -> bool:
        """Gives the slot of a run that waits to others; returns whether it was lent, for `take_back`."""
        if self.lent >= self._most_lent:
            return False
        self.lent += 1
        self.give_back()
        return True

    def take_back(self) -> None:
        """Takes the slot of a run that goes on. For a while more runs than slots may go on: it has waited already."""
        self.lent -= 1
        self.free -= 1

    def shut(self) -> None:
        """Gives no more slots. Arrivals that wait for one are stored at once, for another pod."""
        self.open = False
        for slot in self._waiting:
            if not slot.done():
                slot.set_result(False)
        self._waiting.clear()

    def somebody_waits(self) -> None:
        """Notes that a lane waits for a slot, here or elsewhere."""
        self.backlog = True
        self.wake.set()

    def _take(self, slots: int) -> None:
        self.free -= slots
        if self.free <= 0 and not self._waiting:
            self._freed_at.clear()
            self._freed_at.append(self._clock())

    def _give(self, most: int) -> None:
        while most > 0 and self._waiting and self.free > 0:
            slot = self._waiting.popleft()
            if not slot.done():  # else its request is gone
                most -= 1
                self.free -= 1
                slot.set_result(True)

    def _lose_patience(self, slot: asyncio.Future[bool]) -> None:
        if not slot.done():
            self._waiting.remove(slot)
            slot.set_result(False)

    def _wait_seconds(self) -> float:
        """Estimates how long the next arrival would wait."""
        if not self._freed_at:
            return 0
        seconds_a_slot = (self._clock() - self._freed_at[0]) / (len(self._freed_at) - 1 + ASSUMED)
        return (1 + len(self._waiting)) * seconds_a_slot * (2 if self.backlog else 1)
