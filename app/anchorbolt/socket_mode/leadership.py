"""Which processes are connected to Slack in Socket Mode: every receiver, or only the one that holds the leader lock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.timers import is_set_within

log = get_logger("socket")

# Three attempts to renew the lease before it runs out.
RENEWALS_PER_LEASE = 3
# The share of the lease that is left for closing the connection before another process can take the lock.
MARGIN = 0.1
# A standby is notified when the lock is released; it also looks this often, in case a notification was missed.
LOOK_SECONDS = 1.0
# How often a leader that hands over looks whether another process is connected.
HAND_OVER_LOOK_SECONDS = 0.2
AGAIN_SECONDS = 0.2


class Leadership(Protocol):
    """Decides whether this process may be connected to Slack."""

    has_standbys: bool  # whether other processes wait while this one is connected

    @property
    def may_receive(self) -> bool:
        """Whether envelopes that arrive now may be worked on. It reads only the clock, so it is cheap."""

    async def acquire(self, on_standby: Callable[[], None]) -> None:
        """Returns when this process may connect.

        `on_standby`: called when another process is connected, so that this one is healthy as a standby.
        """

    async def hold(self) -> bool:
        """Waits until this process may no longer be connected.

        Returns True when there is time to close the connection gracefully, and False when it must be closed at once.
        """

    def announce_connected(self) -> None:
        """This process is connected: tells the others."""

    def hand_over(self, *, closing: bool) -> None:
        """A drain has begun: another process should connect. `closing`: this process ends in any case."""

    def resume(self) -> None:
        """The drain was cancelled: this process may be connected again."""

    async def release(self) -> None:
        """Gives the leadership up, if this process has it."""


class EveryProcess:
    """Every receiver is connected. Order and deduplication rest on the inbox, not on which process received."""

    has_standbys = False
    may_receive = True

    def __init__(self) -> None:
        self._closing = asyncio.Event()

    async def acquire(self, on_standby: Callable[[], None]) -> None:
        """Returns at once, because every process may be connected; `on_standby` is never called."""

    async def hold(self) -> bool:
        """Waits until this process ends. It receives while it drains."""
        await self._closing.wait()
        return True

    def announce_connected(self) -> None:
        """Does nothing: no process waits for it."""

    def hand_over(self, *, closing: bool) -> None:
        """Ends `hold` where this process ends; the others are connected already."""
        if closing:
            self._closing.set()

    def resume(self) -> None:
        """Does nothing: this process stayed connected."""

    async def release(self) -> None:
        """Does nothing: there is no lock."""


class SingleLeader:
    """Only the leader is connected: the process that holds the leader lock in the inbox's database."""

    has_standbys = True

    def __init__(self, inbox: Inbox, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._inbox = inbox
        self._lock = inbox.leader_lock
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._epoch: int | None = None
        self._until = float("-inf")  # when the lease ends, on our own clock
        self._connected = False
        self._handing_over = False
        self._changed = asyncio.Event()  # something happened to the lock, or to what this process does with it
        inbox.on_leader_lock = self._changed.set

    @property
    def may_receive(self) -> bool:
        """Whether this process is the leader, until a moment before another process could take the lock."""
        return self._clock() < self._until - MARGIN * self._lease_seconds

    async def acquire(self, on_standby: Callable[[], None]) -> None:
        """Waits until the lock is free or its lease has run out, and takes it."""
        self._connected = False
        while True:
            self._changed.clear()
            wait_seconds = LOOK_SECONDS
            if self._handing_over:
                await self._pause(wait_seconds)
                continue
            try:
                seen = await self._lock.look()
                if seen.ours or seen.free_in_seconds <= 0:
                    sent_at = self._clock()
                    epoch = await self._lock.take(self._lease_seconds)
                    if epoch is not None:
                        self._epoch, self._until = epoch, sent_at + self._lease_seconds
                        log.info("this process is the leader", epoch=epoch, owner=self._inbox.owner)
                        return
                else:
                    on_standby()
                    wait_seconds = min(LOOK_SECONDS, seen.free_in_seconds)
            except StoreError:
                wait_seconds = AGAIN_SECONDS  # the inbox logs it
            await self._pause(wait_seconds)

    async def hold(self) -> bool:
        """Renews the lease until it is lost or handed over."""
        while self.may_receive:
            try:
                async with asyncio.timeout(self._until - MARGIN * self._lease_seconds - self._clock()):
                    await self._pause(self._lease_seconds / RENEWALS_PER_LEASE)
                    if not self._handing_over and not await self._renew():
                        log.error("the leader lock is lost: another process holds it")
                        break
            except TimeoutError:
                log.error("the leader lock could not be renewed in time: disconnecting before another process takes it")
                break
            except StoreError:
                await asyncio.sleep(AGAIN_SECONDS)
            if self._handing_over:
                await self._hand_over()
                return True
        self._forget()
        return False

    def announce_connected(self) -> None:
        """Has it written beside the lock at once, so that the leader before may close its connection."""
        self._connected = True
        self._changed.set()

    def hand_over(self, *, closing: bool) -> None:
        """Releases the lock, and stays connected until another process is."""
        self._handing_over = True
        self._changed.set()

    def resume(self) -> None:
        """Lets this process wait for the lock again."""
        self._handing_over = False
        self._changed.set()

    async def release(self) -> None:
        """Releases the lock at once."""
        epoch = self._epoch
        self._forget()
        if epoch is not None:
            await self._give_back(epoch)

    async def _renew(self) -> bool:
        assert self._epoch is not None  # noqa: S101 - this process is the leader
        connected, sent_at = self._connected, self._clock()
        if not await self._lock.renew(self._epoch, self._lease_seconds, serves=connected):
            return False
        self._until = sent_at + self._lease_seconds
        if connected:
            self._inbox.announce_leader_lock()
        return True

    async def _hand_over(self) -> None:
        """Frees the lock, but keeps the connection until another process is connected.

        For that moment two are connected, which is safe: each event is stored once, by its idempotency key. Slack sends
        to both until ours is closed.
        """
        epoch, self._epoch = self._epoch, None
        if epoch is not None:
            await self._give_back(epoch)
        while self.may_receive:
            self._changed.clear()
            try:
                seen = await self._lock.look()
            except StoreError:
                seen = None
            if seen is not None:
                if seen.ours and epoch is not None:
                    await self._give_back(epoch)  # the database was away before
                elif seen.served:
                    log.info("another process is connected in our place")
                    # Until `release`: what still arrives while the connection is closed gracefully is received.
                    self._until = self._clock() + self._lease_seconds
                    return
                self._until = self._clock() + self._lease_seconds
            await self._pause(HAND_OVER_LOOK_SECONDS)
        self._forget()

    async def _give_back(self, epoch: int) -> None:
        """Frees the lock. Where the database does not answer, the lease runs out by itself."""
        try:
            async with asyncio.timeout(self._lease_seconds):
                await self._lock.leave(epoch)
        except (StoreError, TimeoutError):
            return
        self._inbox.announce_leader_lock()

    async def _pause(self, seconds: float) -> None:
        """Waits until something has changed, `seconds` at most."""
        if await is_set_within(self._changed, seconds):
            self._changed.clear()

    def _forget(self) -> None:
        self._epoch, self._until = None, float("-inf")
