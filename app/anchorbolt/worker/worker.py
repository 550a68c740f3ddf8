"""The runner: what arrives and what waits gets a place, runs in its lane through Bolt, and ends in the inbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Held
from anchorbolt.telemetry import traces
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn
from anchorbolt.worker.adoption import Adoption
from anchorbolt.worker.claims import Claims
from anchorbolt.worker.ending import Ending
from anchorbolt.worker.lane_run import Dispatch, LaneRun
from anchorbolt.worker.leases import Leases
from anchorbolt.worker.running import Cut, Running, Runs
from anchorbolt.worker.slots import Room
from anchorbolt.worker.verdict import Limits

log = get_logger("runner")


class Runner:
    """Runs up to `concurrency` stored deliveries at once; `takes` False: it only stores them, others run them."""

    def __init__(
        self,
        inbox: Inbox,
        dispatch: Dispatch,
        limits: Limits,
        *,
        concurrency: int,
        takes: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._room = Room(inbox, concurrency, takes=takes, clock=clock)
        self._runs = Runs()
        ending = Ending(inbox, self._room, dispatch.report_failure, clock)
        self._lane_run = LaneRun(dispatch, ending, limits, clock)
        self._adoption = Adoption(self._runs, ending, limits, clock)
        self._leases = Leases(inbox, self._runs, clock)
        self._claims = Claims(inbox, self._room, lambda held: self._begin(held, None), clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._adopted: set[asyncio.Task[None]] = set()  # with a lease or, where the database was away, without one

    def start(self) -> None:
        """Begins to claim and to renew."""
        self._inbox.on_wake = self._room.wake.set
        self._spawn(self._leases.renew(), "renew leases")
        self._spawn(self._leases.watch(), "watch leases")
        if self._room.takes:
            self._spawn(self._claims.run(), "claim lanes")

    @property
    def running(self) -> int:
        """How many deliveries run here with a lease."""
        return len(self._runs)

    async def place(self) -> bool:
        """A place for an event that is about to be accepted, if there is one soon. To be passed on to `accept`."""
        return await self._room.place_for_arrival()

    def accept(self, delivery: Delivery, deadline: float, *, reserved: bool) -> asyncio.Future[Accepted]:
        """Stores an event. It runs here at once if a place is reserved for it and its lane is empty.

        `deadline` is on the monotonic clock. Who waits for the future may stop waiting: what is stored runs.
        """
        future = self._inbox.accept(_item(delivery, traces.traceparent(), take=reserved), deadline)
        future.add_done_callback(lambda done: self._accepted(done, delivery, reserved))
        return future

    def adopt(self, run: Run, deadline: float, on_end: Callable[[], None]) -> asyncio.Future[Accepted]:
        """Stores a delivery whose listener runs here already, and sees it to its end. `on_end`: it has ended."""
        traceparent = run.trace.traceparent if run.trace is not None else None
        future = self._inbox.accept(_item(run.delivery, traceparent, running=True), deadline)
        task = self._spawn(self._adoption.see_to_its_end(run, future, self._inbox.lease_seconds), "adopted run")

        def ended(task: asyncio.Task[None]) -> None:
            self._adopted.discard(task)
            on_end()

        self._adopted.add(task)
        task.add_done_callback(ended)
        return future

    def stop_taking(self) -> None:
        """From now on nothing new begins here; what runs goes on."""
        self._room.shut()

    def resume_taking(self) -> None:
        """A drain lapsed."""
        self._room.open = True
        self._room.wake.set()

    async def finish(self, timeout_seconds: float) -> bool:
        """Waits for what runs. Whether all of it ended in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._runs.all_ended()
                if self._adopted:
                    await asyncio.wait(self._adopted)
        except TimeoutError:
            return False
        return True

    async def hand_back(self, timeout_seconds: float) -> int:
        """Stops what still runs, and frees its lanes once it has really ended. How many have."""
        left = list(self._runs)
        for running in left:
            running.stop(Cut.DRAINED)
        for task in self._adopted.difference(running.task for running in left):
            task.cancel()  # it has no lane to be handed back in
        await self.finish(timeout_seconds)
        for running in self._runs:
            log.error("a listener goes on though it was cancelled: it swallows that", key=running.held.stored.key)
        return len(left) - len(self._runs)

    async def stop(self) -> None:
        """Ends the loops, and what would not end by itself."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    def _accepted(self, done: asyncio.Future[Accepted], delivery: Delivery, reserved: bool) -> None:
        accepted = None if done.cancelled() or done.exception() else done.result()
        if accepted is not None and accepted.held is not None:
            if not reserved:  # a commit whose outcome was unknown had taken the lane
                self._room.free -= 1
            self._begin(accepted.held, delivery)
            return
        if reserved:
            self._room.give_back()
        if accepted is not None and accepted.waiting:
            self._room.somebody_waits()
            self._inbox.wake_others()

    def _begin(self, held: Held, delivery: Delivery | None) -> None:
        running = Running(held, held.sent_at + self._inbox.lease_seconds, delivery)
        self._runs.add(running)
        running.task = self._spawn(self._run_lane(running), "run")

    async def _run_lane(self, running: Running) -> None:
        try:
            await self._lane_run.run(running, self._inbox.lease_seconds)
        finally:
            self._runs.discard(running)
            self._room.give_back()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return spawn(work, name, self._tasks)


def _item(delivery: Delivery, traceparent: str | None, *, take: bool = False, running: bool = False) -> Item:
    return Item(
        key=delivery.key,
        lane=delivery.lane,
        kind=delivery.kind.value,
        content_type=delivery.content_type,
        body=delivery.body,
        traceparent=traceparent,
        take=take,
        running=running,
    )
