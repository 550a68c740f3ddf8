"""The inbox: the durable table of deliveries and the lease on each lane, as the rest of the app uses it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.errors import StoreError, StoreRefusedError, StoreUnknownError
from app.inbox import schema
from app.inbox.accept import Accept, Accepted, Item
from app.inbox.accept_at_once import AcceptAtOnce
from app.inbox.census import Census, Count
from app.inbox.claim import Claim, Claimed, Next
from app.inbox.complete import Complete, Completed
from app.inbox.complete_at_once import CompleteAtOnce
from app.inbox.database import Database, Result, Wake
from app.inbox.fence import Fence
from app.inbox.group import Group
from app.inbox.lease import Lease, Outcome
from app.inbox.renew import Renew
from app.inbox.retention import BATCH, Retention
from app.inbox.seat import Seat
from app.telemetry import metrics
from app.telemetry.logs import get_logger
from app.telemetry.tasks import spawn

log = get_logger("inbox")

# Whoever sits here holds the one connection of Socket Mode.
SOCKET_SEAT = "socket"

# At half of what a pod can take, writes that begin as soon as they can cost more than all the rest: a delivery took
# 1.6 to 2 times the CPU of one at the peak, so far apart 1.4 times (docs/performance.md). One alone does not wait.
APART_SECONDS = 0.004
PROBE_SECONDS = 0.5
SWEEP_SECONDS = 60.0
SWEEP_PAUSE_SECONDS = 0.2
CENSUS_SECONDS = 10.0


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
    ) -> None:
        self.database = database
        self.owner = f"{name}-{secrets.token_hex(6)}"
        self.lease_seconds = lease_seconds
        self.up = True
        self.up_since = float("-inf")  # nobody lost anything yet: the first claim need not wait
        self.down_because: StoreError | None = None
        self.on_wake: Callable[[], None] = lambda: None
        self.on_seat: Callable[[], None] = lambda: None
        self.census: Census | None = None  # of some seconds ago; None while it is not known
        self._clock = clock
        self._epochs = itertools.count(1)
        self._doubtful_epoch: int | None = None
        self._completions_in_doubt = False
        # What was written of a group before the rest of it failed: nothing of that is in doubt. By identity, for the
        # group holds its outcomes until all are written.
        self._written: dict[int, Completed] = {}
        self._doubtful_claims: dict[int, float] = {}  # their epochs, and until when a lease of theirs can last
        dialect, owner = database.dialect, self.owner
        following, fence = Next(dialect), Fence(dialect, owner)
        self._accept = Accept(dialect, owner, lease_seconds, following)
        self._accept_at_once = AcceptAtOnce(owner, lease_seconds) if database.distant else None
        self._claim = Claim(dialect, owner, lease_seconds, following)
        self._complete = Complete(dialect, lease_seconds, fence, following)
        self._complete_at_once = CompleteAtOnce(owner, lease_seconds) if database.distant else None
        self._renew = Renew(dialect, lease_seconds, fence)
        self.seat = Seat(dialect, owner, SOCKET_SEAT, self._transact)
        self._accepts: Group[Item, Accepted] = Group(
            self._write_accepts,
            weight=lambda item: len(item.body),
            apart_seconds=APART_SECONDS,
            on_beat=database.joins,
            clock=clock,
            observe=lambda size: metrics.group_size.record(size, "accept"),
        )
        self._completions: Group[Outcome, Completed] = Group(
            self._write_completions,
            apart_seconds=APART_SECONDS,
            on_beat=database.joins,
            clock=clock,
            observe=lambda size: metrics.group_size.record(size, "complete"),
        )
        self._retention = retention
        self._count = Count()
        self._loops: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Reaches the database and looks at its schema. Raises a StoreError."""
        await self.database.open(self._woken)
        if not self.database.shared:
            await self.database.migrate()
        await self._transact(schema.check)
        if not self.database.shared:
            await self._transact(self._claim.forget_the_dead)
        self._accepts.start()
        self._completions.start()
        self._loops.append(spawn(self._watch(), "inbox probe"))
        self._loops.append(spawn(self._take_census(), "inbox census"))
        if self._retention is not None:
            self._loops.append(spawn(self._sweep(self._retention), "inbox retention"))

    def accept(self, item: Item, deadline: float) -> asyncio.Future[Accepted]:
        """Stores a delivery with the next group. `deadline` is on the monotonic clock."""
        return self._accepts.submit(item, deadline)

    def complete(self, outcome: Outcome) -> asyncio.Future[Completed]:
        """Writes how a run ended with the next group; keeps trying until it is written or refused."""
        return self._completions.submit(outcome)

    async def claim(self, most: int) -> Claimed:
        """Takes up to `most` lanes that wait. Raises a StoreError."""
        epoch, sent_at = next(self._epochs), self._clock()
        # Again and again: a commit may come to pass after its connection was given up.
        self._doubtful_claims = {old: until for old, until in self._doubtful_claims.items() if until > sent_at}
        doubtful = tuple(self._doubtful_claims)

        def work(connection: Connection) -> Claimed:
            if doubtful:
                self._claim.give_back(connection, doubtful)
            return self._claim(connection, epoch, sent_at, most)

        try:
            return await self._transact(work)
        except StoreUnknownError:
            self._doubtful_claims[epoch] = self._clock() + self.lease_seconds
            raise

    async def renew(self, leases: Sequence[Lease]) -> list[Lease]:
        """Puts off the end of leases; returns those that were lost. Raises a StoreError."""
        return await self._transact(lambda connection: self._renew(connection, leases))

    def wake_others(self) -> None:
        """Tells the other processes that a lane waits; with a group of others, after the commit."""
        self.database.wake_others(Wake.LANES)

    def tell_of_the_seat(self) -> None:
        """Tells the other processes that the seat was taken, served or left."""
        self.database.wake_others(Wake.SEAT)

    async def waits(self, within_seconds: float) -> bool:
        """Whether a lane waits that could be claimed within that time. Raises a StoreError."""
        return await self._transact(lambda connection: self._claim.waits(connection, within_seconds), reads=True)

    async def probe(self) -> None:
        """Finds out whether the database is there, by a write: one that is full, or a replica, reads as ever.

        Raises a StoreError.
        """
        await self._transact(lambda connection: schema.touch(connection, self.owner))

    async def flush(self) -> None:
        """Waits until what was submitted is written."""
        await self._accepts.flush()
        await self._completions.flush()

    async def close(self) -> None:
        """Ends the writing and the connections."""
        for loop in self._loops:
            loop.cancel()
        if self._loops:
            await asyncio.wait(self._loops)
        await self._accepts.stop()
        await self._completions.stop()
        await self.database.close()

    async def _write_accepts(self, items: Sequence[Item]) -> Sequence[Accepted]:
        # The epoch of a commit that may have happened is used again: what that commit took is then known as ours.
        doubtful, sent_at = self._doubtful_epoch, self._clock()
        epoch = doubtful or next(self._epochs)
        answers: Sequence[Accepted] | None = None
        try:
            if self._accept_at_once is not None and self.up and doubtful is None:
                answers = await self._ask(self._accept_at_once(self.database, epoch, sent_at, items))
            if answers is None:
                answers = await self._transact(lambda connection: self._accept(connection, epoch, sent_at, items))
        except StoreUnknownError:
            self._doubtful_epoch = epoch
            raise
        self._doubtful_epoch = None
        return answers

    async def _write_completions(self, outcomes: Sequence[Outcome]) -> Sequence[Completed]:
        # The group after one whose commit may have happened is that one again.
        sent_at, in_doubt = self._clock(), self._completions_in_doubt
        try:
            left = self._unwritten(outcomes)
            if left and self._complete_at_once is not None and self.up and not in_doubt:
                at_once = await self._ask(self._complete_at_once(self.database, sent_at, left))
                self._written.update((id(left[n]), completed) for n, completed in at_once.items())
            if rest := self._unwritten(outcomes):
                answers = await self._transact(lambda c: self._complete(c, sent_at, rest, in_doubt=in_doubt))
                self._written.update(zip(map(id, rest), answers, strict=True))
        except StoreUnknownError:
            self._completions_in_doubt = True
            raise
        self._completions_in_doubt = False
        return [self._written.pop(id(outcome)) for outcome in outcomes]

    def _unwritten(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        return [outcome for outcome in outcomes if id(outcome) not in self._written]

    async def _transact(self, work: Callable[..., Result], *, reads: bool = False) -> Result:
        """`reads`: it writes nothing, or may have nothing to write, so that it shows no database that is well."""
        result = await self._ask(self.database.transact(work))
        if not reads:
            self._came_up()
        return result

    async def _ask(self, asked: Awaitable[Result]) -> Result:
        """Notes what an error says of the database."""
        try:
            return await asked
        except StoreError as error:
            self._went_down(error)
            raise
        except DBAPIError as error:
            said = f"{type(error.orig).__name__}: {str(error.orig).splitlines()[0]}"
            log.error("the database refused a statement", error=said)
            raise StoreRefusedError(said) from error

    async def _watch(self) -> None:
        """Asks a database that went away whether it is back, so that nothing has to fail to find out."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if not self.up:
                with contextlib.suppress(StoreError):
                    await self.probe()

    async def _sweep(self, retention: Retention) -> None:
        """Lets go of what has ended long ago, a little at a time."""
        while True:
            went = 0
            with contextlib.suppress(StoreError):
                went = await self._transact(retention, reads=True)
            await asyncio.sleep(SWEEP_PAUSE_SECONDS if went >= BATCH else SWEEP_SECONDS * (0.5 + random.random()))

    async def _take_census(self) -> None:
        """Counts what the inbox holds, for the metrics: every pod, because any of them may be the last one."""
        while True:
            try:
                self.census = await self._transact(self._count, reads=True)
            except StoreError:
                self.census = None
            await asyncio.sleep(CENSUS_SECONDS * (0.8 + 0.4 * random.random()))

    def _woken(self, wake: Wake) -> None:
        if wake is Wake.SEAT:
            self.on_seat()
        else:
            self.on_wake()

    def _went_down(self, error: StoreError) -> None:
        if self.up:
            log.error("store down: events are refused, commands go on unprotected", error=str(error))
        self.down_because = error
        self.up = False

    def _came_up(self) -> None:
        if not self.up:
            log.warning("store up again")
            self.up = True
            self.up_since = self._clock()
            self.down_because = None
