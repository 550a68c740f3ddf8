"""The worker owns every run of this process. A stored delivery gets a slot, runs in its lane, and is completed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from anchorbolt.bolt.run import Run
from anchorbolt.bolt.web_api.calls import GRACE_SECONDS
from anchorbolt.bolt.web_api.gate import Gates
from anchorbolt.delivery import Attempt, Delivery, headers
from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.inbox.accept import Accepted, Item
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import Held
from anchorbolt.limits import Limit
from anchorbolt.telemetry import logs, traces
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import log_error, spawn
from anchorbolt.telemetry.watchdog import Blamed
from anchorbolt.worker.admission import Admission
from anchorbolt.worker.breaking import Breaking
from anchorbolt.worker.cancelling import Cancelling
from anchorbolt.worker.claims import Claims
from anchorbolt.worker.decryption import Decryption
from anchorbolt.worker.ending import Ending
from anchorbolt.worker.holding import Holding
from anchorbolt.worker.interactive import InteractiveRuns
from anchorbolt.worker.lane_run import Dispatch, LaneRun
from anchorbolt.worker.leases import Leases
from anchorbolt.worker.listener_limits import ListenerLimits
from anchorbolt.worker.noting import Noting
from anchorbolt.worker.obstacles import Obstacles, Reader
from anchorbolt.worker.pausing import Pausing
from anchorbolt.worker.presence import Presence
from anchorbolt.worker.runs import Cut, Running, Runs
from anchorbolt.worker.saving import Saving
from anchorbolt.worker.sharing_gates import SharingGates
from anchorbolt.worker.slots import RunSlots
from anchorbolt.worker.verdict import Limits

log = get_logger("worker")


class Worker:
    """Runs up to `concurrency` stored deliveries at once, and some urgent events beside them (urgent_slots.py).

    `takes` False: it only stores them, others run them. `app_version`: of the team's code; a listener that keeps dying
    is held until another version runs. `listener_limits`: by the names of listeners. `gates`: of the Web API.
    `readers`: what else is to be read from the database every few seconds (obstacles.py).
    """

    def __init__(
        self,
        inbox: Inbox,
        dispatch: Dispatch,
        limits: Limits,
        *,
        concurrency: int,
        takes: bool = True,
        app_version: str = "",
        listener_limits: Mapping[str, Limit] = MappingProxyType({}),
        gates: Gates | None = None,
        readers: Sequence[Reader] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._slots = RunSlots(inbox, concurrency, takes=takes, clock=clock)
        self._runs = Runs()
        self._cancelling = Cancelling(inbox, self._runs)
        self._noting = Noting(inbox, self._runs, clock)
        self._presence = Presence(inbox, self._slots, app_version, concurrency)
        self._holding = Holding(inbox, app_version)
        self._pausing = Pausing(inbox)
        self._breaking = Breaking(inbox, clock)
        limits_of_listeners = ListenerLimits(listener_limits, concurrency, clock, self._slots.most_to_wake)
        self._obstacles = Obstacles(
            inbox,
            (self._pausing, self._holding, self._breaking, limits_of_listeners),
            (self._pausing, self._holding, self._breaking, SharingGates(inbox, gates or Gates()), *readers),
            clock,
        )
        ending = Ending(inbox, self._slots, dispatch, limits, self._holding, self._breaking, clock)
        admission = Admission(self._obstacles, limits_of_listeners, self._breaking)
        decryption = Decryption(inbox.encryption, clock)
        self._lane_run = LaneRun(dispatch, ending, limits, admission, self._cancelling, self._slots, decryption, clock)
        self._interactive = InteractiveRuns(ending, limits, clock)
        self._leases = Leases(inbox, self._runs, clock)
        self._claims = Claims(
            inbox, self._slots, lambda held: self._begin(held, None), self._leases.stop_expired, clock
        )
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._hands_back = False  # a drain has handed back what ran: nothing begins to run any more
        self._begun: dict[Run, Running] = {}  # of interactions, while Bolt has not answered yet

    def start(self) -> None:
        """Begins to claim and to renew."""
        self._inbox.on_wake = self._slots.wake.set
        self._inbox.on_urgent = self._slots.urgent.somebody_waits
        self._spawn(self._leases.renew(), "renew leases")
        self._spawn(self._leases.watch(), "watch leases")
        self._spawn(self._obstacles.run(), "see to parked lanes")
        self._spawn(self._cancelling.run(), "watch for cancellations")
        self._spawn(self._noting.run(), "note listeners")
        self._spawn(self._presence.run(), "say that this process lives")
        if self._slots.takes:
            self._spawn(self._claims.run(), "claim lanes")

    @property
    def running(self) -> int:
        """How many deliveries run here with a lease."""
        return sum(running.held is not None for running in self._runs)

    @property
    def longest_run_seconds(self) -> float:
        """How long the run of a stored delivery goes on that began first; 0 while none runs."""
        now = self._clock()
        runs = (running.run for running in self._runs if running.held is not None)
        return max((now - run.began for run in runs if run is not None), default=0.0)

    @property
    def held_listeners(self) -> int:
        """How many listeners are held, in all processes of this version of the app."""
        return self._holding.held

    @property
    def open_breakers(self) -> int:
        """How many listeners wait because what they need is down, in all processes."""
        return self._breaking.open

    @property
    def waiting_runs(self) -> int:
        """How many runs wait at a rate gate, with their slots lent out."""
        return self._slots.lent

    @property
    def pauses(self) -> int:
        """How many listeners, kinds, workspaces and conversations are paused."""
        return self._pausing.paused

    def blame(self, task: asyncio.Task[object]) -> Blamed | None:
        """Returns the delivery and the listener that a task runs, for the watchdog of the event loop."""
        if (running := self._runs.of(task)) is None:
            return None
        return Blamed(running.key, running.run.listener if running.run is not None else None)

    def reserve(self, *, urgent: bool = False) -> Awaitable[bool]:
        """Reserves a slot, now or soon, for an event; returns whether there is one, which `accept` must be told.

        `urgent`: it is an urgent event, which has a slot now or not at all, and never waits for one.
        """
        return self._slots.reserve_for_arrival(urgent=urgent)

    def accept(self, delivery: Delivery, deadline: float, *, reserved: bool) -> asyncio.Future[Accepted]:
        """Stores an event. It runs here at once if a slot is reserved for it and its lane is empty.

        `deadline` is on the monotonic clock. Who waits for the future may cancel it: what is stored runs.
        """
        item = _item(delivery, traces.traceparent(), take=reserved)
        return self._inbox.accept(item, deadline, partial(self._accepted, delivery, reserved))

    def begin(self, delivery: Delivery, *, ack_by: float, on_end: Callable[[], None]) -> Run:
        """Returns the run of a delivery whose answer Slack waits for. `keep`, `save` or `abandon` must follow.

        `ack_by` is a time of the event loop's clock. `on_end` is called when the run has ended.
        """
        logs.begin_run(delivery.key, 1)
        trace = traces.begin_attempt(traces.traceparent(), str(delivery.kind), delivery.key, 1)
        attempt = Attempt(delivery.key, delivery.kind, cancel=self._cancelling.cancel_lane)
        run = Run(delivery, attempt, ack_by=ack_by, began=self._clock(), trace=trace, on_end=on_end)
        self._begun[run] = running = Running(delivery.key, run=run)
        self._runs.add(running)  # the end of the process waits for it from now on: a middleware may take its time too
        return run

    def save(self, run: Run, deadline: float) -> asyncio.Future[bool]:
        """Sees a run to its end whose listener goes on, and stores its delivery unless the listener ends well first.

        `deadline` is on the monotonic clock. Returns what Saving.begin does.
        """
        running = self._begun.pop(run)
        saving = Saving(
            self._inbox,
            running,
            run,
            on_written=partial(self._see_saved, running, run),
            on_withdrawn=partial(self._end_unstored, running, run),
        )
        traceparent = run.trace.traceparent if run.trace is not None else None
        return saving.begin(_item(run.delivery, traceparent, running=True), deadline)

    def keep(self, run: Run) -> None:
        """Sees a run to its end that is not to be stored."""
        running = self._begun.pop(run)
        if run.ended and (run.error is None or run.reason is not None):
            self._end_unstored(running, run)
            return
        self._see(running, self._interactive.see_unstored(running, run), "unstored run")

    def abandon(self, run: Run, error: Exception | None) -> None:
        """Cancels a run that came to no answer; `error` is why, where it is known."""
        if error is not None:
            run.fail(error)
        run.cancel()
        self.keep(run)

    def stop_taking(self) -> None:
        """Begins nothing new from now on; what runs goes on."""
        self._slots.shut()

    def resume_taking(self) -> None:
        """Begins runs again, after a drain that no SIGTERM followed."""
        self._hands_back = False
        self._slots.open = True
        self._slots.wake.set()

    async def finish(self, timeout_seconds: float) -> bool:
        """Waits for all that runs here. Returns whether all of it ended in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._runs.all_ended()
        except TimeoutError:
            return False
        return True

    async def hand_back(self, timeout_seconds: float) -> int:
        """Stops what still runs, and frees its lanes once it has really ended. Returns how many have.

        It also frees the lanes that claims may have taken whose answers were lost.

        `timeout_seconds`: for all that, after GRACE_SECONDS at most for the calls that are under way.
        """
        self._hands_back = True  # what is being stored, and would begin to run behind this, is handed back too
        left = list(self._runs)
        for running in left:
            running.end(Cut.DRAINED)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds + GRACE_SECONDS):
                await self._claims.give_back()  # first: what a claim takes that is under way now is handed back too
                await self._runs.all_ended()
        for running in self._runs:
            log.error(_goes_on(running), key=running.key)
        return sum(running.held is not None and running not in self._runs for running in left)

    async def stop(self) -> None:
        """Ends the loops, and what would not end by itself."""
        ending = [*self._tasks]
        for task in self._tasks:
            task.cancel()
        for running in self._runs:
            if (begun := running.begun_task) is not None:
                begun.cancel()
                ending.append(begun)
            else:  # it waits for its answer, or to be stored, or was stored a moment ago
                running.stop(Cut.DRAINED)
                ending += running.run.tasks if running.run is not None else ()
        if ending:
            await asyncio.wait(ending, timeout=1)

    def _accepted(self, delivery: Delivery, reserved: bool, accepted: Accepted | None, _: bool) -> None:
        if accepted is not None and accepted.held is not None:
            if not reserved:  # the outcome of the commit was unknown, and it had taken the lane
                (self._slots.urgent if is_urgent(delivery.lane) else self._slots).exceed()
            self._begin(accepted.held, delivery)
            return
        urgent = is_urgent(delivery.lane)
        if reserved:
            self._slots.give_back(urgent=urgent)
        if accepted is None or not accepted.waiting:
            return
        if urgent:
            self._slots.urgent.somebody_waits()
            self._inbox.wake_others_urgently()
        else:
            self._slots.somebody_waits()
            self._inbox.wake_others()

    def _see_saved(self, running: Running, run: Run, held: Held | None) -> None:
        if held is not None:
            running.hold(held, self._inbox.lease_seconds)
            work = self._interactive.see_stored(running, run)
        else:
            work = self._interactive.see_unprotected(running, run)
        self._see(running, work, "saved run")

    def _end_unstored(self, running: Running, run: Run) -> None:
        self._interactive.has_ended(run)
        self._runs.discard(running)

    def _begin(self, held: Held, delivery: Delivery | None) -> None:
        running = Running(held.stored.key, delivery=delivery, urgent=is_urgent(held.lease.lane))
        running.hold(held, self._inbox.lease_seconds)
        self._see(running, self._lane_run.run(running, self._inbox.lease_seconds), "run")
        if self._hands_back:
            running.stop(Cut.DRAINED)

    def _see(self, running: Running, work: Coroutine[Any, Any, None], name: str) -> None:
        """Runs `work`, which sees a run to its end."""
        self._runs.add(running)
        running.task = task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(partial(self._seen, running))

    def _seen(self, running: Running, task: asyncio.Task[None]) -> None:
        self._runs.discard(running)
        log_error(task)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return spawn(work, name, self._tasks)


def _goes_on(running: Running) -> str:
    """Says why a run that was cancelled has not ended."""
    if running.run is not None and running.run.threads:
        return (
            "a synchronous listener goes on: its thread cannot be stopped,"
            " and its lane stays leased until it ends or the process does"
        )
    if running.writes_end or (running.task is None and running.run is not None and running.run.ended):
        return "its listener has ended, but the database has not taken that yet"
    return "a listener goes on though it was cancelled: it swallows that"


def _item(delivery: Delivery, traceparent: str | None, *, take: bool = False, running: bool = False) -> Item:
    # By position: with the names of its fields, it takes one and a half times as long.
    return Item(
        delivery.key,
        delivery.lane,
        str(delivery.kind),
        delivery.content_type,
        delivery.body,
        traceparent,
        take,
        running,
        headers.written(delivery.headers),
        delivery.workspace,
        delivery.conversation,
    )
