"""A play: interactions come, a database has faults, runs are cut, and the process ends, all at random moments."""

from __future__ import annotations

import asyncio
from typing import Any

from anchorbolt.bolt.run import Run
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Lease
from anchorbolt.inbox.tables import delivery as deliveries
from anchorbolt.inbox.tables import lane as lanes
from anchorbolt.intake.interactions import Interactions
from anchorbolt.intake.slots import RequestSlots
from anchorbolt.worker.runs import Cut
from anchorbolt.worker.worker import Worker
from sqlalchemy import Row, select
from structlog.testing import capture_logs

from tests.unit.intake.fickle_database import MOODS, WELL, FickleDatabase
from tests.unit.intake.played import Played, command
from tests.unit.intake.playing import MOST_SECONDS, AnyPlay
from tests.unit.worker.conftest import LIMITS, Dispatch

ENDS = ("at rest", "drained", "drained while requests come", "stopped")


class Play(AnyPlay):
    """What happens, by a seed, and what was left at its end."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        chance = self._chance
        self.mood = chance.choices(MOODS, [1, 1, 1, 2, 3])[0]
        self.end = chance.choice(ENDS)
        numbers = range(chance.choice([3, 20, 60]))
        self.requests = {one.key: Played(one, self.chance_of(one.key)) for one in map(command, numbers)}
        self.slots = RequestSlots(1000)
        self.lost: set[str] = set()  # lanes that are another process's, as this one was told
        self.owned: set[str] = set()  # lanes that were not given back at the end

    async def act(self) -> None:
        """Plays it."""
        loop = asyncio.get_running_loop()
        self._database = database = FickleDatabase(self.chance_of("database"), loop.time)
        self._inbox = inbox = Inbox(database, lease_seconds=9, clock=loop.time)
        await inbox.open()
        dispatch, concurrency = Dispatch(self._run_again), self._chance.choice([1, 3, 10])
        self._worker = worker = Worker(inbox, dispatch, LIMITS, concurrency=concurrency, clock=loop.time)
        worker.start()
        database.mood = self.mood
        with capture_logs() as self.lines:
            async with asyncio.timeout(MOST_SECONDS):
                await (self._stopped() if self.end == "stopped" else self._drained())
                await inbox.close()
                self.left += [] if await worker.finish(5) else worker._runs
        self.left += [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    async def _run_again(self, run: Run) -> None:
        await self.requests[run.delivery.key].run_again(run)

    async def _come(self) -> list[asyncio.Task[None]]:
        """Lets all requests come. Some come twice, and some are cancelled."""
        chance, interactions, coming = self._chance, Interactions(self._inbox, self._worker), []
        for request in self.requests.values():
            for _ in range(chance.choice([1] * 9 + [2])):
                coming.append(asyncio.create_task(request.send(interactions, self._worker, self.slots)))
                if chance.random() < 0.05:
                    asyncio.get_running_loop().call_later(chance.random() * 0.02, coming[-1].cancel)
                if chance.random() < 0.5:
                    await asyncio.sleep(chance.choice([0, 0, 0.001, 0.004]))
        return coming

    async def _stopped(self) -> None:
        """The process fails: what runs is not handed back."""
        coming = await self._come()
        for request in coming:
            request.cancel()
        await asyncio.wait(coming)
        await self._worker.stop()
        self.left += [one for one in self.requests.values() if one.run is not None and not one.run.ended]

    async def _drained(self) -> None:
        """The process hands back what runs, and another one goes on with it."""
        chance, worker = self._chance, self._worker
        cutting = asyncio.create_task(self._cut_now_and_then())
        coming = await self._come()
        if self.end == "drained while requests come":
            await asyncio.sleep(chance.choice([0, 0.001, 0.01]))
        else:
            await asyncio.wait(coming)
        if self.end == "at rest":
            await worker.finish(100)
        cutting.cancel()
        worker.stop_taking()
        handing_back = asyncio.create_task(worker.hand_back(5))
        await asyncio.sleep(chance.choice([0, 0, 0.05, 0.2]))
        self._database.mood = WELL
        await handing_back
        await asyncio.wait(coming)
        self.left += [] if await worker.finish(5) else worker._runs
        await self._inbox.flush()
        self.owned = {lane.name for lane in await self._all(lanes) if lane.owner is not None}
        worker.resume_taking()  # as another process would
        while any(row.state == "live" for row in await self._all(deliveries)):  # noqa: ASYNC110 - seconds cost nothing
            await asyncio.sleep(1)
        self.left += [] if await worker.finish(60) else worker._runs
        self.rows = {row.key: row for row in await self._all(deliveries)}
        await worker.stop()

    async def _all(self, table: Any) -> list[Row[Any]]:
        return await self._database.transact(lambda connection: list(connection.execute(select(table)).all()))

    async def _cut_now_and_then(self) -> None:
        """Cuts runs that are stored, also in the very moment when they begin or end."""
        chance, seen = self.chance_of("cuts"), set[Lease]()
        for _ in range(200):
            for _ in range(chance.choice([1, 10, 100])):
                for running in sorted(self._worker._runs, key=lambda one: one.key):
                    if running.held is None:
                        continue
                    lease = running.held.lease
                    if chance.random() < (0.01 if lease in seen else 0.2):
                        why = chance.choice(list(Cut))
                        running.cancelled_by = "an operator"
                        self.lost |= {lease.lane} if why is Cut.LOST else set()
                        (running.end if why is Cut.DRAINED else running.stop)(why)
                    seen.add(lease)
                await asyncio.sleep(0)
            await asyncio.sleep(chance.choice([0.001, 0.005]))
