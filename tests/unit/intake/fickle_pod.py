"""A process of a play of events: it stores them and runs their lanes, and it is drained, or dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.errors import RefusedError, StoreUnavailableError, StoreUnknownError
from anchorbolt.inbox.database import Wake
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.intake.events import Events
from anchorbolt.lifecycle.life import CLOSE_SECONDS, STOP_SECONDS
from anchorbolt.worker.urgent_slots import URGENT_SLOTS
from anchorbolt.worker.worker import Worker
from sqlalchemy import Connection

from tests.unit.intake.fickle_database import WELL, FickleDatabase
from tests.unit.intake.playing import InOrder
from tests.unit.worker.conftest import LIMITS, Dispatch

Result = TypeVar("Result")


class SharedDatabase(FickleDatabase):
    """A memory that several processes use, each with faults of its own, and that outlives them. `cut`: for ever."""

    shared = True
    cut = False

    def __init__(self, memory: SqliteDatabase, chance: random.Random, clock: Callable[[], float]) -> None:
        super().__init__(chance, clock)
        self._memory = memory

    async def open(self, on_wake: Callable[[Wake], None] = lambda wake: None) -> None:
        """Reaches the memory."""
        self._connection = self._memory._connection
        await super().open(on_wake)

    async def close(self) -> None:
        """Leaves it as it is."""
        self._connection = None
        await super().close()

    async def transact(self, work: Callable[[Connection], Result], timeout_seconds: float = 5) -> Result:
        """Runs the work, unless this process is cut off."""
        if self.cut:
            raise StoreUnavailableError("cut off")

        def unless_cut(connection: Connection) -> Result:
            if self.cut:
                raise StoreUnavailableError("cut off")
            return work(connection)

        answer = await super().transact(unless_cut, timeout_seconds)
        if self.cut:
            raise StoreUnknownError("cut off")
        return answer


class Pod:
    """One process. `alive`: what its listeners do still happens. `serves`: it takes requests."""

    def __init__(
        self, memory: SqliteDatabase, chance: random.Random, listener: Callable[[Pod, Run], Awaitable[None]]
    ) -> None:
        clock = asyncio.get_running_loop().time
        self._chance = chance
        self.database = SharedDatabase(memory, chance, clock)
        self.inbox = Inbox(self.database, lease_seconds=9, clock=clock)
        self.concurrency = chance.choice([1, 3, 10])

        async def work(run: Run) -> None:
            await listener(self, run)

        self.worker = Worker(self.inbox, Dispatch(work), LIMITS, concurrency=self.concurrency, clock=clock)
        self._events = Events(self.inbox, self.worker)
        self._requests = InOrder()
        self.alive = self.serves = True
        self.left: list[object] = []  # what was not given back at its end
        self._burying: asyncio.Task[None] | None = None

    @property
    def died(self) -> bool:
        """Whether it died, and was not drained."""
        return self._burying is not None

    async def start(self) -> None:
        """Starts it; its database is well until that is done."""
        await self.inbox.open()
        self.worker.start()

    async def send(self, delivery: Delivery, seconds: float) -> bool:
        """Sends it an event. Returns whether it was acknowledged."""
        request = asyncio.create_task(self._answer(delivery, seconds))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        await asyncio.wait([request])
        return not request.cancelled() and request.result()

    async def _answer(self, delivery: Delivery, seconds: float) -> bool:
        try:
            await self._events.accept(delivery, asyncio.get_running_loop().time() + seconds)
        except RefusedError:
            return False
        return self.alive

    async def drain(self) -> None:
        """Ends it as life.py does: what runs is finished, or handed back. Its database is well again soon."""
        chance, worker = self._chance, self.worker
        self.serves = False
        worker.stop_taking()
        if self._requests:
            await asyncio.wait(self._requests, timeout=chance.choice([0, 0.01, 3]))
        self._end_requests()
        await worker.finish(chance.choice([0, 0, 0.1, 20]))
        handing_back = asyncio.create_task(worker.hand_back(STOP_SECONDS))
        await asyncio.sleep(chance.choice([0, 0, 0.05, 0.2]))
        self.database.mood = WELL
        await handing_back
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.inbox.flush()
        except TimeoutError:
            self.left.append("writes")
        await worker.stop()
        await self.inbox.close()
        self.alive = False
        slots = worker._slots
        counts = {
            "free": slots.free - self.concurrency,
            "urgent": slots.urgent._free - URGENT_SLOTS,
            "lent": slots.lent,
        }
        self.left += [f"{name}: {count}" for name, count in counts.items() if count]
        self.left += [*worker._runs, *slots._waiting, *self._requests]

    def die(self) -> None:
        """Ends it at once: nothing of it is written any more."""
        self.alive = self.serves = False
        self.database.cut = True
        self._end_requests()
        self._burying = asyncio.create_task(self._bury())

    async def buried(self) -> None:
        """Returns when nothing of it is left."""
        if self._burying is not None:
            await self._burying

    async def _bury(self) -> None:
        await self.worker.stop()
        await self.inbox.close()

    def _end_requests(self) -> None:
        for request in self._requests:
            request.cancel()
