"""Whose turn it is to be connected: everybody's, or that of one process at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from anchorbolt.errors import StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.telemetry.logs import get_logger

log = get_logger("socket")

# Three chances before the lease runs out.
RENEWALS_PER_LEASE = 3
# A connection needs some time to end.
MARGIN = 0.1
# Whoever waits is woken by word of the seat; this is for what was not heard.
LOOK_SECONDS = 1.0
# A holder that leaves looks whether another one stands.
LEAVING_LOOK_SECONDS = 0.2
AGAIN_SECONDS = 0.2


class Turn(Protocol):
    """What says whether this process may be connected."""

    shared: bool  # whether others wait while we are connected

    @property
    def ours(self) -> bool:
        """Whether what comes over our connection may be taken. It asks nobody but the clock."""

    async def take(self, on_wait: Callable[[], None]) -> None:
        """Returns when this process may connect. `on_wait`: another one is connected, and all is well."""

    async def keep(self) -> bool:
        """Returns when it may not any more: True when there is time to end well, False when it has to end at once."""

    def serve(self) -> None:
        """We are connected."""

    def hand_over(self, *, closing: bool) -> None:
        """Another one shall be connected in our place, or, `closing`, nobody."""

    def resume(self) -> None:
        """It shall not, after all."""

    async def leave(self) -> None:
        """Gives the turn back, if it is ours."""


class Everybody:
    """No turns: order and deduplication rest on the inbox, and not on who received."""

    shared = False
    ours = True

    def __init__(self) -> None:
        self._closing = asyncio.Event()

    async def take(self, on_wait: Callable[[], None]) -> None:
        """At once."""

    async def keep(self) -> bool:
        """Until this process ends; while it drains, it still serves."""
        await self._closing.wait()
        return True

    def serve(self) -> None:
        """Nobody wants to know."""

    def hand_over(self, *, closing: bool) -> None:
        """The others are connected already."""
        if closing:
            self._closing.set()

    def resume(self) -> None:
        """We were connected all the time."""

    async def leave(self) -> None:
        """There is nothing to give back."""


class OneAtATime:
    """The turn of whoever holds the seat in the inbox's database."""

    shared = True

    def __init__(self, inbox: Inbox, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._inbox = inbox
        self._lock = inbox.leader_lock
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._epoch: int | None = None
        self._until = float("-inf")  # on our own clock
        self._serves = False
        self._leaving = False
        self._changed = asyncio.Event()  # the seat, or what we do with it
        inbox.on_leader_lock = self._changed.set

    @property
    def ours(self) -> bool:
        """Until a moment before the lease could be anybody else's."""
        return self._clock() < self._until - MARGIN * self._lease_seconds

    async def take(self, on_wait: Callable[[], None]) -> None:
        """Sits down as soon as nobody else may."""
        self._serves = False
        while True:
            self._changed.clear()
            wait_seconds = LOOK_SECONDS
            if self._leaving:
                await self._pause(wait_seconds)
                continue
            try:
                seen = await self._lock.look()
                if seen.ours or seen.free_in_seconds <= 0:
                    sent_at = self._clock()
                    epoch = await self._lock.take(self._lease_seconds)
                    if epoch is not None:
                        self._epoch, self._until = epoch, sent_at + self._lease_seconds
                        log.info("this process is the one that is connected", epoch=epoch, owner=self._inbox.owner)
                        return
                else:
                    on_wait()
                    wait_seconds = min(LOOK_SECONDS, seen.free_in_seconds)
            except StoreError:
                wait_seconds = AGAIN_SECONDS  # the inbox says so itself
            await self._pause(wait_seconds)

    async def keep(self) -> bool:
        """Renews the lease, until it is lost or handed over."""
        while self.ours:
            try:
                async with asyncio.timeout(self._until - MARGIN * self._lease_seconds - self._clock()):
                    await self._pause(self._lease_seconds / RENEWALS_PER_LEASE)
                    if not self._leaving and not await self._renew():
                        log.error("the seat is lost: another process holds it")
                        break
            except TimeoutError:
                log.error("the seat could not be renewed in time: disconnecting before it is anybody else's")
                break
            except StoreError:
                await asyncio.sleep(AGAIN_SECONDS)
            if self._leaving:
                await self._hand_over()
                return True
        self._forget()
        return False

    def serve(self) -> None:
        """Said to the others at once: the one before us may end its connection."""
        self._serves = True
        self._changed.set()

    def hand_over(self, *, closing: bool) -> None:
        """Leaves the seat, and goes on until another one serves."""
        self._leaving = True
        self._changed.set()

    def resume(self) -> None:
        """Waits for the seat again."""
        self._leaving = False
        self._changed.set()

    async def leave(self) -> None:
        """Gets up at once."""
        epoch = self._epoch
        self._forget()
        if epoch is not None:
            await self._give_back(epoch)

    async def _renew(self) -> bool:
        assert self._epoch is not None  # noqa: S101 - it is ours
        serves, sent_at = self._serves, self._clock()
        if not await self._lock.renew(self._epoch, self._lease_seconds, serves=serves):
            return False
        self._until = sent_at + self._lease_seconds
        if serves:
            self._inbox.announce_leader_lock()
        return True

    async def _hand_over(self) -> None:
        """The seat is free from here on; our connection stays until another one stands. Both store what comes once."""
        epoch, self._epoch = self._epoch, None
        if epoch is not None:
            await self._give_back(epoch)
        while self.ours:
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
                    break
                self._until = self._clock() + self._lease_seconds
            await self._pause(LEAVING_LOOK_SECONDS)
        self._forget()

    async def _give_back(self, epoch: int) -> None:
        """Where the database does not answer, the lease runs out by itself."""
        try:
            async with asyncio.timeout(self._lease_seconds):
                await self._lock.leave(epoch)
        except (StoreError, TimeoutError):
            return
        self._inbox.announce_leader_lock()

    async def _pause(self, seconds: float) -> None:
        """Waits so long, or until something has changed."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    def _forget(self) -> None:
        self._epoch, self._until = None, float("-inf")
