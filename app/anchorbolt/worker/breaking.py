"""Circuit breakers: a listener whose runs mostly fail with transient errors waits until a probe succeeds.

Something that it needs is down: Slack, another service, a network. Attempts would burn MAX_ATTEMPTS of every delivery,
and load what is down. While a breaker is open, deliveries are parked, one probe at a time runs over all pods, and what
fails is no attempt. It closes by itself with the first run that succeeds.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from anchorbolt.errors import StoreError
from anchorbolt.inbox.breakers import Breakers, Open, waits_for
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Stored
from anchorbolt.inbox.parking import BREAKER, PARK_SECONDS, name_of
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn
from anchorbolt.worker.obstacles import ALL
from anchorbolt.worker.verdict import Reason, Verdict

log = get_logger("worker")

CLOSED = "breaker closed: what waits for it runs"

# So many failures of so many deliveries within so long, which are so large a part of what ended meanwhile, open a
# breaker. One delivery that fails again and again says nothing of others: it has its MAX_ATTEMPTS.
LEAST_FAILURES = 5
LEAST_DELIVERIES = 3
WINDOW_SECONDS = 60.0
LEAST_SHARE = 0.6
# From one probe to the next: twice as long each time.
FIRST_PROBE_SECONDS = 2.0
LONGEST_PROBE_SECONDS = 30.0
# Only these say that something is down. Where a call may have happened, the attempt counts: each more may do it again.
OF_BREAKERS = frozenset({Reason.TRANSIENT.value})


class Breaking:
    """The breakers as this process knows them; an Obstacle (obstacles.py). `clock`: monotonic, in seconds."""

    needs_listener = True

    def __init__(self, inbox: Inbox, clock: Callable[[], float] = time.monotonic) -> None:
        self._inbox = inbox
        self._clock = clock
        self._breakers = Breakers(inbox.database.dialect)
        self.known: dict[str, float] = {}  # the open ones, by listener: when the next probe may begin, by our clock
        self._opening: set[str] = set()  # opened here, and not written yet: whoever reads does not find them
        self._probe_seconds: dict[str, float] = {}
        self._probing: set[str] = set()  # listeners whose probe this process has
        # Of listeners that have failed lately: when runs ended, and the ids of the deliveries that failed.
        self._ended: dict[str, deque[tuple[float, int | None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """How many breakers are open."""
        return len(self.known)

    def holds(self, stored: Stored, listener: str | None) -> str | None:
        """Returns the breaker that a delivery waits for."""
        listener = listener or stored.listener
        if listener is None or listener not in self.known or listener in self._probing:
            return None
        return waits_for(listener)

    def room(self, waits_for: str) -> int | None:
        """Returns one lane when it is time for a probe, and all once the breaker is closed."""
        listener = name_of(waits_for, BREAKER)
        if listener is None:
            return None
        if listener not in self.known:
            return ALL
        return 1 if self.known[listener] <= self._clock() else 0

    async def refresh(self) -> None:
        """Reads which breakers other processes have opened and closed. Raises a StoreError."""
        found = await self._inbox.store.transact(self._breakers.read, reads=True)
        now = self._clock()
        before, unwritten = self.known, {one: at for one, at in self.known.items() if one in self._opening}
        self.known = unwritten | {one.listener: now + one.probe_in_seconds for one in found}
        for one in found:
            if one.listener not in before:
                self._log_open(one)
        for listener in before.keys() - self.known.keys():
            self._forget(listener)
            log.warning(CLOSED, listener=listener)

    async def take_probe(self, stored: Stored, listener: str | None) -> bool:
        """Takes the probe of a breaker for this delivery, if it is time for one. Returns whether it may run."""
        listener = listener or stored.listener
        if listener is None or self.known.get(listener, float("inf")) > self._clock():
            return False
        seconds = min(LONGEST_PROBE_SECONDS, self._probe_seconds.get(listener, FIRST_PROBE_SECONDS) * 2)
        try:
            taken = await self._inbox.store.transact(
                lambda connection: self._breakers.take_probe(connection, listener, self._inbox.owner, seconds)
            )
        except StoreError:
            return False  # the store logs that itself
        if taken:
            self._probe_seconds[listener] = seconds
            self.known[listener] = self._clock() + seconds
            self._probing.add(listener)
        return taken

    def ended(self, listener: str | None, stored: Stored, verdict: Verdict | None) -> Verdict | None:
        """Counts the end of a run. Returns the verdict: parked instead of an attempt while its breaker is open."""
        if listener is None:
            return verdict
        self._probing.discard(listener)  # also where it was cut short: another delivery is the next probe
        if verdict is None or not (self.known or self._ended or verdict.reason in OF_BREAKERS):
            return verdict
        if verdict.end is End.DONE:
            self._succeeded(listener)
        if verdict.reason not in OF_BREAKERS:
            return verdict
        metrics.listener_failures.add(listener)
        if listener not in self.known and self._opens(listener, stored.id):
            self.known[listener] = self._clock() + FIRST_PROBE_SECONDS
            self._opening.add(listener)
            spawn(self._write_open(listener, verdict.error or ""), "open a breaker", self._tasks)
        if listener not in self.known:
            return verdict
        said = f"waits until what it needs is back: {verdict.error}"
        return replace(verdict, end=End.HELD, error=said, delay_seconds=PARK_SECONDS, waits_for=waits_for(listener))

    def _succeeded(self, listener: str) -> None:
        if listener in self.known:
            del self.known[listener]
            spawn(self._close(listener), "close a breaker", self._tasks)
        elif listener in self._ended:
            self._ended[listener].append((self._clock(), None))

    def _opens(self, listener: str, failed: int) -> bool:
        ended = self._ended.setdefault(listener, deque(maxlen=100))
        now = self._clock()
        ended.append((now, failed))
        while ended and ended[0][0] < now - WINDOW_SECONDS:
            ended.popleft()
        failures = [id_ for _, id_ in ended if id_ is not None]
        many = len(failures) >= LEAST_FAILURES and len(set(failures)) >= LEAST_DELIVERIES
        return many and len(failures) >= LEAST_SHARE * len(ended)

    async def _write_open(self, listener: str, reason: str) -> None:
        try:
            opened = await self._inbox.store.transact(
                lambda connection: self._breakers.open(connection, listener, reason, FIRST_PROBE_SECONDS)
            )
        except StoreError:
            self.known.pop(listener, None)
            return
        finally:
            self._opening.discard(listener)
        if opened:
            self._log_open(Open(listener, reason, 0.0, FIRST_PROBE_SECONDS))
        self._inbox.announce_hold()
        self._inbox.on_hold()

    async def _close(self, listener: str) -> None:
        try:
            closed = await self._inbox.store.transact(lambda connection: self._breakers.close(connection, listener))
        except StoreError:
            return  # the next success closes it
        self._forget(listener)
        if closed:
            log.warning(CLOSED, listener=listener)
        self._inbox.announce_hold()
        self._inbox.on_hold()

    def _forget(self, listener: str) -> None:
        self._ended.pop(listener, None)
        self._probe_seconds.pop(listener, None)

    def _log_open(self, one: Open) -> None:
        log.error("breaker open: what comes for it waits", listener=one.listener, because=one.reason)
