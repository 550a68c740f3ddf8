"""Slots for urgent events: a few beside RUN_CONCURRENCY, so that a stop never waits for what it is to stop."""

from __future__ import annotations

import asyncio

# How many urgent runs may go on at once beside the RUN_CONCURRENCY others. What stops a run takes a second or so, and a
# user clicks on stop seldom: so few are enough, and so many more runs than configured do no harm (docs/decisions/0072).
URGENT_SLOTS = 8


class UrgentSlots:
    """The slots for urgent runs of this process. `wake` is set when the inbox should be asked for more of them."""

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake
        self._free = URGENT_SLOTS
        self._waits = False

    def reserve_for_arrival(self) -> bool:
        """Takes a slot for an urgent event that arrives now; returns whether there was one."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    def reserve_for_claim(self) -> int:
        """Takes slots for urgent lanes that wait in the inbox, and returns how many: half of those that are free.

        The other half is for what arrives while the inbox is asked, so that it need not wait for the answer.
        """
        slots = (max(0, self._free) + 1) // 2
        self._free -= slots
        return slots

    def exceed(self) -> None:
        """Counts a run that began without a reserved slot: its lane was taken by a commit whose outcome was unknown."""
        self._free -= 1

    def asked(self) -> None:
        """Notes that the inbox is asked now: what becomes known from now on is for the next time."""
        self._waits = False

    def answered(self, reserved: int, claimed: int) -> None:
        """Gives back what was reserved for a claim and not needed. If all was needed, more lanes may wait."""
        self._free += reserved - claimed
        if claimed == reserved:
            self._waits = True
            if self._free > 0:  # else the next slot that is given back asks again
                self._wake.set()

    def unanswered(self, reserved: int) -> None:
        """Gives back what was reserved for a claim that failed: what waited then waits still."""
        self._free += reserved
        self._waits = True

    def give_back(self) -> None:
        """Gives back a slot after a run."""
        self._free += 1
        if self._waits:
            self._wake.set()

    def somebody_waits(self) -> None:
        """Notes that the lane of an urgent event waits for a slot, here or elsewhere."""
        self._waits = True
        self._wake.set()

    def is_awaited(self) -> bool:
        """Whether a lane is known to wait, and there is a slot for it."""
        return self._waits and self._free > 0
