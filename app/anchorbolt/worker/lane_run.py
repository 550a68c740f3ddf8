"""Runs a stored delivery through Bolt, then those that follow in its lane."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, restore
from anchorbolt.encryption import is_encrypted
from anchorbolt.errors import ENDS_THE_PROCESS, RefusedError, RunError, as_exception
from anchorbolt.inbox.lease import End, Held, Stored
from anchorbolt.telemetry import logs, traces
from anchorbolt.telemetry.tasks import is_being_cancelled
from anchorbolt.worker.admission import Admission
from anchorbolt.worker.cancelling import Cancelling
from anchorbolt.worker.decryption import Decryption
from anchorbolt.worker.ending import Ending, Told
from anchorbolt.worker.lending import Lending
from anchorbolt.worker.run_limit import RunLimit
from anchorbolt.worker.runs import Cut, Running
from anchorbolt.worker.slots import RunSlots
from anchorbolt.worker.stood_at import timed_out
from anchorbolt.worker.verdict import DONE, Limits, Reason, Verdict, judge, parked

# A delivery that was cut short so often is a suspect: it may have killed its pod. Suspects run one at a time, so that
# one that kills the pod again does not take other suspects along.
SUSPECT_CRASHES = 2
# The other suspects are handed back meanwhile: if they waited here, a crash would be counted for them too.
SUSPECT_PAUSE_SECONDS = 1.0


class Dispatch(Told, Protocol):
    """Interface that the worker needs from Bolt."""

    async def answer(self, run: Run) -> object:
        """Runs a stored delivery to its end; how it ended is in `run`. What it returns is not used."""


class LaneRun:
    """Runs the deliveries of a lane in one slot, one after the other."""

    def __init__(  # noqa: PLR0917 - the parts that a run needs, in the order of their use
        self,
        dispatch: Dispatch,
        ending: Ending,
        limits: Limits,
        admission: Admission,
        cancelling: Cancelling,
        slots: RunSlots,
        decryption: Decryption,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dispatch = dispatch
        self._admission = admission
        self._cancelling = cancelling
        self._slots = slots
        self._decryption = decryption
        self._ending = ending
        self._limits = limits
        self._clock = clock
        self._suspects = asyncio.Lock()

    async def run(self, running: Running, lease_seconds: float) -> None:
        """Runs the lane from the delivery that is held, and gives its slot back."""
        held = running.held
        try:
            while held is not None:
                running.held = held = self._decryption.decrypted(held, running.delivery)
                held = await self._run_one(running, held.stored)
                running.delivery = running.run = None
                running.writes_end = False
                if held is not None:
                    running.hold(held, lease_seconds)
        finally:
            self._slots.give_back(urgent=running.urgent)

    async def _run_one(self, running: Running, stored: Stored) -> Held | None:
        began = self._clock()
        logs.begin_run(stored.key, stored.attempts)
        if began >= running.expires_at:  # this process stood still after the claim: another may hold the lane by now
            running.cut = running.cut or Cut.EXPIRED
        if running.cut is None and running.held is not None and running.held.cancelled_by is not None:
            # While it ran elsewhere, in a process that died, or drained.
            running.cut, running.cancelled_by = Cut.CANCELLED, running.held.cancelled_by
        if running.cut is Cut.CANCELLED:
            verdict = await self._attempt(running, stored, began, is_suspect=False)
            return await self._ending.write(running, running.run, verdict, began)
        if running.cut is not None:
            return await self._ending.write(running, None, self._ending.of_cut(running), began)
        waits_for = None if running.urgent else self._admission.holds(stored)
        if waits_for is not None and (waits_for := await self._admission.confirmed(stored, began)) is not None:
            return await self._ending.write(running, None, parked(waits_for), began)
        is_suspect = SUSPECT_CRASHES <= stored.crashes < self._limits.max_crashes
        if is_suspect and self._suspects.locked():
            turned_away = Verdict(End.HANDED_BACK, delay_seconds=SUSPECT_PAUSE_SECONDS)
            return await self._ending.write(running, None, turned_away, began)
        verdict = await self._attempt(running, stored, began, is_suspect=is_suspect)
        run = running.run
        if run is not None:
            self._admission.ended(run)
        return await self._ending.write(running, run, verdict, began)

    async def _attempt(self, running: Running, stored: Stored, began: float, *, is_suspect: bool) -> Verdict | None:
        """Runs a delivery, and judges its end. Its run is in `running` where one could begin."""
        run: Run | None = None
        try:
            running.run = run = self._prepare(running, stored, began)
            if running.cut is Cut.CANCELLED:  # before it began: nothing of it runs here
                return self._ending.of_cut(running)
            if stored.crashes >= self._limits.max_crashes:
                said = f"cut short {stored.crashes} times: its process died while it ran"
                raise _NotRunError(Verdict(End.DEAD, said, reason=Reason.CRASHES))
            if is_suspect:
                async with self._suspects:
                    await self._ending.settle()
                    await self._within_limit(run)
            else:
                await self._within_limit(run)
            # A listener that returns though it was cancelled swallowed that: nobody knows what it has done.
            cut = running.was_cut()
            return self._judge(run, run.error, stored) if cut is None else self._ending.of_cut(running)
        except asyncio.CancelledError as cut:
            if running.was_cut() is not None:
                if run is not None:
                    run.cut_at(cut)
                return self._ending.of_cut(running)
            if is_being_cancelled():
                raise
            return self._judge(run, RunError("the listener cancelled itself"), stored)
        except _NotRunError as error:
            return error.verdict
        except ENDS_THE_PROCESS:
            raise
        except BaseException as error:  # a middleware, or Bolt itself over this payload
            return self._judge(run, as_exception(error), stored)

    def _judge(self, run: Run | None, error: Exception | None, stored: Stored) -> Verdict:
        if error is None:
            return DONE if run is None or run.waits_for is None else parked(run.waits_for)
        if run is not None:
            run.fail(error)
        return judge(error, stored.tries, self._limits, is_final=run is not None and run.step_is_over)

    def _prepare(self, running: Running, stored: Stored, began: float) -> Run:
        if running.delivery is None and is_encrypted(stored.body):
            raise _NotRunError(self._decryption.judge(stored))
        try:
            delivery = running.delivery or restore(stored.body, stored.content_type, stored.key, stored.headers)
        except RefusedError as error:
            said = f"the stored body cannot be read: {error.word}"
            raise _NotRunError(Verdict(End.DEAD, said, reason=Reason.UNREADABLE)) from error
        is_last = stored.tries >= self._limits.max_attempts
        attempt = Attempt(
            stored.key, delivery.kind, stored.attempts, is_last, stored.crashes, self._cancelling.cancel_lane
        )
        trace = traces.begin_attempt(
            stored.traceparent, stored.kind, stored.key, stored.attempts, received_at=stored.received_at
        )
        run = Run(delivery, attempt, began=began, trace=trace)
        if not running.urgent:  # what stops a run waits for nothing
            run.asks_hold = partial(self._admission.ask, stored)
            run.calls.on_wait = Lending(self._slots, run)
        return run

    async def _within_limit(self, run: Run) -> None:
        limit = run.limit = RunLimit(self._limits.run_timeout_seconds, run.calls)
        try:
            with limit:
                await self._dispatch.answer(run)
        except (TimeoutError, asyncio.CancelledError) as cut:
            if not limit.cut_short or is_being_cancelled():
                raise
            run.cut_at(cut.__cause__ or cut)
        finally:
            limit.end()
        if limit.cut_short:  # also where the listener swallowed its cancellation, and returned
            run.error = timed_out(run, limit)


class _NotRunError(Exception):
    """Ends a delivery that must not run here: a dead letter without a run, or handed back."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.error)
        self.verdict = verdict
