"""A play of events: they come in a few lanes to a few processes, and all of that has faults at random moments."""

from __future__ import annotations

import asyncio
from typing import Any

from anchorbolt.bolt.run import Run
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.inbox.tables import delivery as deliveries
from anchorbolt.inbox.tables import lane as lanes
from sqlalchemy import Row, func, select
from structlog.testing import capture_logs

from tests.support.told_runs import tell_of_its_end
from tests.unit.intake import event_faults
from tests.unit.intake.fickle_database import MOODS, Mood
from tests.unit.intake.fickle_pod import Pod
from tests.unit.intake.played_event import Lane, PlayedEvent, PlayedRun, event
from tests.unit.intake.playing import MOST_SECONDS, AnyPlay, InOrder


class EventPlay(AnyPlay):
    """What happens, by a seed, and what was left at its end."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        chance = self._chance
        self.mood = chance.choices(MOODS, [2, 1, 1, 2, 3])[0]
        self.is_slow = self.mood.longest_seconds > 1  # too slow for a drain to end in time
        self.faults = [fault for fault in event_faults.FAULTS if chance.random() < 0.35]
        self.has_faults = True
        self.threads = [f"1760000000.{n:06}" for n in range(chance.choice([1, 3, 10]))]
        self.urgent = chance.choice([0, 0, 0.1])  # so many of them stop what runs in a thread
        made = [
            event(n, chance.choice(self.threads) if chance.random() >= self.urgent else None)
            for n in range(chance.choice([5, 20, 60]))
        ]
        self.events = {one.key: PlayedEvent(one, self.chance_of(one.key)) for one in made}
        self.pods: list[Pod] = []
        self.stood_still_at: list[float] = []  # when all processes did, at the end of each time
        self.lost = set[tuple[str, str, int]]()  # claims whose lease ended before its time
        self.going: list[asyncio.Task[Any]] = []  # faults that have begun
        self.owned: list[Row[Any]] = []  # lanes that a drain has not given back

    async def act(self) -> None:
        """Plays it."""
        loop = asyncio.get_running_loop()
        self.memory = SqliteDatabase(None, clock=loop.time)
        await self.memory.open()
        await self.memory.migrate()
        with capture_logs() as self.lines:
            async with asyncio.timeout(MOST_SECONDS):
                for _ in range(self._chance.choice([1, 2, 3])):
                    await self.start(self.mood)
                causing = asyncio.create_task(event_faults.cause(self, self.faults, self.chance_of("faults")))
                await self._come()
                causing.cancel()
                while any(not one.done() for one in self.going):
                    await asyncio.gather(*self.going)
                await self._end()
        self.left += [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await self.memory.close()

    async def start(self, mood: Mood | None = None) -> Pod:
        """Starts a process, whose database is in this mood from then on."""
        pod = Pod(self.memory, self.chance_of(f"pod {len(self.pods)}"), self._listen)
        self.pods.append(pod)
        await pod.start()
        if "a drain" in self.faults:
            event_faults.drain_at_a_loss(self, pod, self.chance_of(f"drains {len(self.pods)}"))
        if mood is not None:
            pod.database.mood = mood
        return pod

    async def drain(self, pod: Pod) -> None:
        """Drains one, and looks for what it has not given back."""
        time = asyncio.get_running_loop().time
        began = time()
        await pod.drain()
        if any(at >= began for at in self.stood_still_at) or self.is_slow:
            pod.left.clear()  # its time was over before it had any
            return
        held = (lane for lane in await self._all(lanes) if lane.claimable_at > time())
        self.owned += [lane for lane in held if lane.owner == pod.inbox.owner]

    async def _come(self) -> None:
        """Slack sends all events."""
        chance, coming = self.chance_of("coming"), list[asyncio.Task[None]]()
        for one in self.events.values():
            coming.append(asyncio.create_task(one.send(self.pods)))
            if chance.random() < 0.5:
                await asyncio.sleep(chance.choice([0, 0.001, 0.01, 1]))
        await asyncio.gather(*coming)

    async def _end(self) -> None:
        """Every process is drained; one that is well does what is left, and ends too."""
        self.has_faults = False
        last = await self.start()
        for pod in self.pods:
            if pod.serves and pod is not last:
                await self.drain(pod)
        while any(row.state == "live" for row in await self._all(deliveries)):  # noqa: ASYNC110 - seconds cost nothing
            await asyncio.sleep(1)
        await self.drain(last)
        for pod in self.pods:
            await pod.buried()
        self.rows = {row.key: row for row in await self._all(deliveries)}

    async def _all(self, table: Any) -> list[Row[Any]]:
        return await self.memory.transact(lambda connection: list(connection.execute(select(table)).all()))

    async def _listen(self, pod: Pod, run: Run) -> None:
        """The listener of all events."""
        one = self.events[run.delivery.key]
        noted = self._noted(pod, run)
        one.runs.append(noted)
        try:
            noted.ended_well = await one.listen(run, self.threads)
        finally:
            noted.goes_on = False

    def _noted(self, pod: Pod, run: Run) -> PlayedRun:
        (held,) = (one.held for one in pod.worker._runs if one.run is run)
        assert held is not None
        of_lane = (event for event in self.events.values() if event.delivery.lane == run.delivery.lane)
        beside = [other for event in of_lane for other in event.runs if other.goes_on and other.counts]
        lane = self._look(run.delivery.lane)
        noted = PlayedRun(pod, run, held.stored.id, held.lease, lane, beside, asyncio.get_running_loop().time())

        def told(outcome: str) -> None:
            if pod.alive:
                noted.outcomes.append(outcome)
                noted.told_at = asyncio.get_running_loop().time()

        tell_of_its_end(run, told)
        run.tasks = InOrder()  # type: ignore[assignment]
        return noted

    def _look(self, name: str) -> Lane | None:
        """What the database says of a lane at this moment."""
        connection = self.memory._connection
        assert connection is not None
        of_lane = (deliveries.c.lane == name, deliveries.c.state == "live")
        head = select(func.min(deliveries.c.id)).where(*of_lane).scalar_subquery()
        asked = select(lanes.c.owner, lanes.c.epoch, lanes.c.claimable_at, head).where(lanes.c.name == name)
        row = connection.execute(asked).one_or_none()
        connection.rollback()
        return Lane(*row) if row is not None else None
