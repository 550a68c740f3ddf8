"""The inbox: the durable table of deliveries and the lease on each lane, as the rest of the app uses it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence

from anchorbolt.encryption import Keys
from anchorbolt.errors import StoreError
from anchorbolt.inbox import replication, schema
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.claim import Claim, Claimed
from anchorbolt.inbox.complete import Completed
from anchorbolt.inbox.database import Database, Wake
from anchorbolt.inbox.delivery_encryption import DeliveryEncryption
from anchorbolt.inbox.group import Group, Then
from anchorbolt.inbox.known import Known
from anchorbolt.inbox.leader_lock import LeaderLock
from anchorbolt.inbox.lease import Lease, Outcome
from anchorbolt.inbox.maintenance import Maintenance
from anchorbolt.inbox.owner import Owner
from anchorbolt.inbox.renew import Renew
from anchorbolt.inbox.replication import Replication
from anchorbolt.inbox.retention import Retention
from anchorbolt.inbox.stats import Stats
from anchorbolt.inbox.store import Store
from anchorbolt.telemetry import metrics

# The leader lock of this name: its holder has the one connection of Socket Mode.
SOCKET_LEADER = "socket"

# At half of what a pod can take, writes that begin as soon as they can cost more than all the rest: a delivery took
# 1.6 to 2 times the CPU of one at the peak, so far apart 1.4 times. One alone does not wait.
APART_SECONDS = 0.004


class Inbox:
    """One process's view of the inbox: an owner of its own, also after a restart under the same pod name."""

    def __init__(
        self,
        database: Database,
        *,
        lease_seconds: float,
        retention: Retention | None = None,
        name: str = "pod",
        clock: Callable[[], float] = time.monotonic,
        keys: Keys | None = None,
    ) -> None:
        """`keys`: what is stored of deliveries is encrypted with them, unless it is in memory."""
        self.database = database
        self.encryption = DeliveryEncryption(keys) if keys and database.durable else None
        self.owner = f"{name}-{secrets.token_hex(6)}"
        self.lease_seconds = lease_seconds
        self.store = store = Store(database, clock)
        self.on_wake: Callable[[], None] = lambda: None
        self.on_urgent: Callable[[], None] = lambda: None
        self.on_leader_lock: Callable[[], None] = lambda: None
        self.on_hold: Callable[[], None] = lambda: None
        self.on_cancel: Callable[[], None] = lambda: None
        self.on_workspaces: Callable[[], None] = lambda: None
        self.leader_lock = LeaderLock(database.dialect, self.owner, SOCKET_LEADER, store.transact)
        self._maintenance = Maintenance(store, self.probe, retention)
        owner = Owner(self.owner, lease_seconds)
        self._claim = Claim(store, owner)
        self._renew = Renew(store, owner)
        self._known = Known(store)
        self._accepts: Group[Item, Accepted] = Group(
            database.accept(store, owner),
            weight=lambda item: len(item.body),
            apart_seconds=APART_SECONDS,
            on_beat=database.joins,
            clock=clock,
            observe=lambda size: metrics.group_size.record(size, "accept"),
        )
        self._completions: Group[Outcome, Completed] = Group(
            database.complete(store, owner),
            apart_seconds=APART_SECONDS,
            on_beat=database.joins,
            clock=clock,
            observe=lambda size: metrics.group_size.record(size, "complete"),
        )

    @property
    def up(self) -> bool:
        """Whether the database is there, as far as it is known."""
        return self.store.up

    @property
    def stats(self) -> Stats | None:
        """What the inbox held some seconds ago; None while it is not known."""
        return self._maintenance.stats

    async def open(self) -> None:
        """Reaches the database and looks at its schema. Raises a StoreError."""
        await self.database.open(self._woken)
        if not self.database.shared:
            await self.database.migrate()
        await self.store.transact(schema.check)
        if not self.database.shared:
            await self.store.transact(self._claim.forget_the_dead)
        self._accepts.start()
        self._completions.start()
        self._maintenance.start()

    def accept(self, item: Item, deadline: float, then: Then[Accepted] | None = None) -> asyncio.Future[Accepted]:
        """Stores a delivery with the next group. `deadline` is on the monotonic clock, `then` that of Group.submit."""
        if self.encryption is not None:
            item = self.encryption.encrypted(item)
        return self._accepts.submit(item, deadline, then)

    def withdraw(self, accepting: asyncio.Future[Accepted]) -> bool:
        """Takes back a delivery that need not be stored any more, if its write has not begun: Group.withdraw."""
        return self._accepts.withdraw(accepting)

    def knows_at_once(self, key: str) -> bool | None:
        """As `knows`, where the database can tell without waiting: SQLite. None where it cannot."""
        return self._known.at_once(key)

    async def knows(self, key: str) -> bool:
        """Whether a delivery of this key is stored, by whatever process; False where the database cannot tell."""
        return await self._known(key)

    def complete(self, outcome: Outcome, then: Then[Completed] | None = None) -> asyncio.Future[Completed]:
        """Writes how a run ended with the next group; keeps trying until it is written or refused.

        Who cancels the future does not stop the write. `then` is that of Group.submit.
        """
        return self._completions.submit(outcome, None, then)

    @property
    def claims_in_doubt(self) -> bool:
        """Whether claims may have taken lanes whose answers were lost; the next claim gives these back."""
        return self._claim.in_doubt

    async def claim(self, most: int, urgent: int = 0) -> Claimed:
        """Takes up to `urgent` lanes of urgent events that wait, and up to `most` others. Raises a StoreError."""
        return await self._claim(most, urgent)

    async def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        """Puts off the end of leases; returns those that were lost. Raises a StoreError."""
        return await self._renew(leases)

    def wake_others(self) -> None:
        """Tells the other processes that a lane waits; with a group of others, after the commit."""
        self.database.wake_others(Wake.LANES)

    def wake_others_urgently(self) -> None:
        """Tells the other processes that a lane of an urgent event waits."""
        self.database.wake_others(Wake.URGENT)

    def announce_leader_lock(self) -> None:
        """Tells the other processes that the leader lock was taken, served or left."""
        self.database.wake_others(Wake.LEADER_LOCK)

    def announce_hold(self) -> None:
        """Tells the other processes that deaths of a listener were counted or forgotten."""
        self.database.wake_others(Wake.HOLDS)

    def announce_cancel(self) -> None:
        """Tells the other processes that a run is to be cancelled."""
        self.database.wake_others(Wake.CANCEL)

    def announce_workspaces(self) -> None:
        """Tells the other processes that installations or tokens have changed."""
        self.database.wake_others(Wake.WORKSPACES)

    async def waits(self, within_seconds: float) -> bool:
        """Whether a lane waits that could be claimed within that time. Raises a StoreError."""
        return await self.store.transact(lambda connection: self._claim.waits(connection, within_seconds), reads=True)

    async def probe(self) -> None:
        """Finds out whether the database is there, by a write: one that is full, or a replica, reads as ever.

        Raises a StoreError.
        """
        await self.store.transact(lambda connection: schema.touch(connection, self.owner))

    async def replication(self) -> Replication | None:
        """What the database's replication promises; None where it has none, or that cannot be read now."""
        with contextlib.suppress(StoreError):
            return await self.store.transact(replication.read, reads=True)
        return None

    async def flush(self) -> None:
        """Waits until what was submitted is written."""
        await self._accepts.flush()
        await self._completions.flush()

    async def close(self) -> None:
        """Ends the writing and the connections."""
        await self._maintenance.stop()
        await self._accepts.stop()
        await self._completions.stop()
        await self.database.close()

    def _woken(self, wake: Wake) -> None:
        if wake is Wake.LEADER_LOCK:
            self.on_leader_lock()
        elif wake is Wake.URGENT:
            self.on_urgent()
        elif wake is Wake.HOLDS:
            self.on_hold()
        elif wake is Wake.CANCEL:
            self.on_cancel()
        elif wake is Wake.WORKSPACES:
            self.on_workspaces()
        else:
            self.on_wake()
