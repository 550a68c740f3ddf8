"""How many more deliveries may run here, and whether any may begin at all."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from app.inbox.inbox import Inbox

# After the database was away: whoever held a lane renews it or hands it back before anybody claims.
CLAIM_PAUSE_SECONDS = 1.0
# How long an arrival waits for a place before it is stored for whoever has one. Slack waits three seconds.
PATIENCE_SECONDS = 0.25


class Room:
    """The places of this process. `takes` False: it only stores, others run."""

    def __init__(
        self, inbox: Inbox, concurrency: int, *, takes: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self.takes = takes
        self.free = concurrency
        self.open = True  # False: the pod drains
        self.paused = False  # by an operator, for all pods
        self.backlog = False  # lanes wait that we know of: they come before what arrives now
        self.wake = asyncio.Event()
        self._waiting: deque[asyncio.Future[bool]] = deque()

    @property
    def may_begin(self) -> bool:
        """Whether a lane may be taken now."""
        return self.may_ask and not self.paused

    @property
    def may_ask(self) -> bool:
        """Whether the inbox may be asked for lanes: also while it is paused, to learn that it no longer is."""
        inbox = self._inbox
        return self.takes and self.open and inbox.up and self._clock() - inbox.up_since >= CLAIM_PAUSE_SECONDS

    async def place_for_arrival(self) -> bool:
        """A place for a delivery that arrives now, if there is one soon.

        Under more load than the processor can take, a short wait for a place keeps what arrives at the pace of what
        ends: stored at once, it would only be claimed and read again a moment later, for twice the work.
        """
        if not self.may_begin:
            return False
        if self.free > 0 and not self.backlog:
            self.free -= 1
            return True
        loop = asyncio.get_running_loop()
        place: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(place)
        impatience = loop.call_later(PATIENCE_SECONDS, _set, place, False)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():
                self.give_back()
            raise
        finally:
            impatience.cancel()

    def reserve(self, most: int) -> int:
        """Up to `most` places."""
        places = max(0, min(self.free, most))
        self.free -= places
        return places

    def give_back(self, places: int = 1) -> None:
        """Places that are free again."""
        self.free += places
        if self.backlog:
            if places:
                self.wake.set()
            return
        while self._waiting and self.free > 0:
            place = self._waiting.popleft()
            if not place.done():
                self.free -= 1
                place.set_result(True)

    def somebody_waits(self) -> None:
        """A lane waits for a place, here or elsewhere."""
        self.backlog = True
        self.wake.set()


def _set(place: asyncio.Future[bool], value: bool) -> None:
    if not place.done():
        place.set_result(value)
