"""Obstacles: what may hold a stored delivery back, such as a pause, before it runs or once its listener is known.

What is held back is parked (inbox/parking.py). A loop in each process reads what others have written, wakes the lanes
whose wait is over, and puts the end of the others' parking off.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from sqlalchemy import Connection

from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Stored
from anchorbolt.inbox.parking import LIMIT, Parking, WakingInTurn, sort_of
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.timers import is_set_within

log = get_logger("worker")

# How often a process looks what others have written, beside being told of it.
POLL_SECONDS = 5.0
# What ends a wait comes in bursts: so long a look waits for more of it, because each is a transaction.
GATHER_SECONDS = 0.05
# Room for all lanes that wait: nothing holds them back any more.
ALL = 2**31


class Obstacle(Protocol):
    """Something that may hold deliveries back. It answers from memory.

    `needs_listener`: it holds listeners back, so it is not asked before one is known.
    """

    needs_listener: bool

    @property
    def known(self) -> Collection[object]:
        """What it knows of that may hold a delivery back. While there is nothing, as mostly, `holds` is not called."""

    def holds(self, stored: Stored, listener: str | None) -> str | None:
        """Returns what this delivery waits for; None: it may run. `listener`: None before Bolt has matched one."""

    def room(self, waits_for: str) -> int | None:
        """Returns how many of the lanes that wait for this may run now; None: another obstacle has to tell."""


class Reader(Protocol):
    """Knows something that all processes share in the database: most obstacles do, and the rate gates."""

    async def refresh(self) -> None:
        """Reads what other processes have written. Raises a StoreError."""


class Obstacles:
    """All obstacles of one process, and what has to be read for them. `clock`: the worker's, in seconds."""

    def __init__(
        self,
        inbox: Inbox,
        obstacles: Sequence[Obstacle],
        readers: Sequence[Reader] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._obstacles = obstacles
        self._without_listener = [one for one in obstacles if not one.needs_listener]
        self._readers = readers
        self._clock = clock
        self._parking = Parking()
        self._wake_in_turn = WakingInTurn(inbox.database.dialect)
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._due = asyncio.Event()  # somebody wrote something, or there is room: it is time to look
        self._must_read = True
        self._parked: frozenset[str] = frozenset()  # what lanes wait for, as far as is known

    def holds(self, stored: Stored, listener: str | None = None) -> str | None:
        """Returns what a delivery waits for as far as is known, by the first obstacle that holds it; None: nothing."""
        known = listener is not None or stored.listener is not None
        for obstacle in self._obstacles if known else self._without_listener:
            if obstacle.known and (waits_for := obstacle.holds(stored, listener)) is not None:
                return waits_for
        return None

    async def confirmed(self, stored: Stored, listener: str | None, began: float) -> str | None:
        """Returns what a delivery waits for, by what was read from the database after it began; None: nothing.

        `listener`: the name of its listener, if it is known. `began`: by our monotonic clock, in seconds.

        What was read before may be out of date: what ends a wait wakes the lanes at the moment that it happens.
        """
        waits_for = self.holds(stored, listener)
        if waits_for is not None and sort_of(waits_for) != LIMIT:  # limits are counted here
            async with self._reading:  # who waited here finds what the one before has read
                if self._read_at <= began:
                    await self._read()
            waits_for = self.holds(stored, listener)
        if waits_for is not None:
            self._parked |= {waits_for}
        return waits_for

    def has_room(self, waits_for: str, in_seconds: float = 0) -> None:
        """Notes that lanes that wait for this may go on, now or so much later. It costs nothing where none waits."""
        if waits_for in self._parked:
            asyncio.get_running_loop().call_later(in_seconds, self._due.set)

    def told(self) -> None:
        """Notes that another process has written something."""
        self._must_read = True
        self._due.set()

    async def run(self) -> None:
        """Reads, wakes and puts off, for ever."""
        self._inbox.on_hold = self.told
        while True:
            await self.look()
            if not await is_set_within(self._due, POLL_SECONDS * (0.8 + 0.4 * random.random())):
                self._must_read = True
            await asyncio.sleep(GATHER_SECONDS)
            self._due.clear()

    async def look(self) -> int:
        """Reads what others have written, if there may be something, and sees to parked lanes. How many it woke."""
        if self._must_read:
            async with self._reading:
                await self._read()
        try:
            woken, for_itself = await self._inbox.store.transact(self._see_to, reads=True)
        except StoreError:
            return 0  # the store logs that itself; lanes stay parked for so long
        if woken:
            log.info("lanes go on: what they waited for is over", lanes=woken)
            self._inbox.on_wake()
            if woken > for_itself:
                self._inbox.wake_others()
        return woken

    async def _read(self) -> None:
        asked_at = self._clock()
        try:
            for reader in self._readers:
                await reader.refresh()
        except StoreError:
            return  # what was known last holds
        self._must_read = False
        self._read_at = asked_at

    def _see_to(self, connection: Connection) -> tuple[int, int]:
        """Returns how many lanes it woke, and how many of these for this process: limits are those of a process."""
        woken = for_itself = 0
        waiting = self._parking.waiting(connection)
        self._parked = frozenset(waiting)
        for waits_for in waiting:
            room = self._room(waits_for)
            if room > 0:
                if room >= ALL:
                    now_awake = self._parking.wake(connection, waits_for)
                else:
                    now_awake = self._wake_in_turn(connection, waits_for, room)
                woken += now_awake
                for_itself += now_awake if sort_of(waits_for) == LIMIT else 0
            if room < ALL:
                self._parking.put_off(connection, waits_for)
        return woken, for_itself

    def _room(self, waits_for: str) -> int:
        for obstacle in self._obstacles:
            if (room := obstacle.room(waits_for)) is not None:
                return room
        return ALL  # of a sort that this version does not know: it runs, as it always did
