"""The end of a run: judged, told to Slack where a workflow waits for it, written to the inbox, and logged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

from anchorbolt.bolt.run import Run
from anchorbolt.bolt.web_api.calls import CALLS
from anchorbolt.delivery import Delivery
from anchorbolt.delivery.urgent import is_urgent
from anchorbolt.errors import StoreError
from anchorbolt.inbox.complete import Completed
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.timers import Timeout
from anchorbolt.worker.breaking import Breaking
from anchorbolt.worker.ended import stored_ended
from anchorbolt.worker.holding import Holding, blames_the_app
from anchorbolt.worker.record import record
from anchorbolt.worker.runs import Cut, Running, count_repeats
from anchorbolt.worker.slots import RunSlots
from anchorbolt.worker.stood_at import timed_out
from anchorbolt.worker.verdict import DONE, HANDED_BACK, Limits, Reason, Verdict, describe, judge

log = get_logger("worker")

# How long `settle` waits at most: the inbox of a busy process may never be idle.
SETTLE_SECONDS = 1.0
# How many deliveries of a lane run one after the other while other lanes wait for a slot; then it queues behind them.
MAX_IN_A_ROW = 10
# The ends that the app or Slack is told of, before they are written.
ENDS_TO_TELL = frozenset({End.DEAD, End.CANCELLED})


class Told(Protocol):
    """Who is told when a run has failed for good."""

    async def conclude_failure(self, run: Run) -> None:
        """Calls the app's error handler. One that handles the error takes it from the run."""

    async def report_failure(self, delivery: Delivery, reason: str) -> None:
        """Tells Slack of a workflow step."""


class Ending:
    """Ends runs of stored deliveries: tells the error handler and Slack of a failure, and writes the end."""

    def __init__(  # noqa: PLR0917 - the parts that an end needs, in the order of their use
        self,
        inbox: Inbox,
        slots: RunSlots,
        told: Told,
        limits: Limits,
        holding: Holding,
        breaking: Breaking,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._slots = slots
        self._told = told
        self._limits = limits
        self.holding = holding
        self._breaking = breaking
        self._clock = clock

    def of_cut(self, running: Running) -> Verdict | None:
        """The verdict of a run that was cut short: handed back, or cancelled. None if its lane is another's by now.

        A drain hands nothing on whose time was over already: that was an attempt, as without the drain.
        """
        if running.cut is Cut.CANCELLED:
            return Verdict(End.CANCELLED, f"cancelled by {running.cancelled_by}")
        run, held = running.run, running.held
        limit = run.limit if run is not None else None
        if running.cut is Cut.DRAINED and held is not None and run is not None and limit is not None and limit.over:
            error = timed_out(run, limit)
            run.fail(error)
            return judge(error, held.stored.tries, self._limits, is_final=run.step_is_over)
        return None if running.cut is Cut.LOST else HANDED_BACK

    async def write(self, running: Running, run: Run | None, verdict: Verdict | None, began: float) -> Held | None:
        """Writes the end of a run, and returns the lane's next delivery if it is ours to run now.

        Args:
            running: the lane's lease and its delivery.
            run: what ran; None: nothing did, because the delivery could not be read or had to wait.
            verdict: what follows; None: the lease is lost, and nothing may be written.
            began: when it began, by our monotonic clock.
        """
        assert running.held is not None  # noqa: S101 - what is stored has a lease
        held, stored = running.held, running.held.stored
        if run is not None:
            verdict = self._breaking.ended(run.listener, stored, verdict)
            if verdict is not None and verdict.end in ENDS_TO_TELL:
                verdict = await self._tell(running, run, verdict)
        if verdict is None:
            stored_ended(stored, run, "lost", None, self._clock() - began, lane=held.lease.lane)
            return None
        running.in_a_row += 1
        # A task that was cancelled is not used again.
        may_go_on = self._slots.may_begin and verdict.end is not End.CANCELLED
        go_on = may_go_on and not (self._slots.backlog and running.in_a_row >= MAX_IN_A_ROW)
        line = listener = None
        if verdict.end is not End.DONE:  # of a run that ended well nothing is kept
            listener = run.listener if run is not None else None
            line = record(stored, run, verdict, self._inbox.owner, self._clock() - began)
            if line is not None and (encryption := self._inbox.encryption) is not None:
                line = encryption.encrypted_line(stored.key, line)
        outcome = Outcome(
            held.lease,
            stored.id,
            verdict.end,
            verdict.error,
            verdict.delay_seconds,
            go_on,
            stored.attempts,
            verdict.waits_for,
            listener,
            line,
        )
        late = partial(self._written_late, held, run, verdict, began)
        writing = self._inbox.complete(outcome, late)
        running.writes_end = True
        try:
            completed = await writing
        except StoreError:  # the inbox is closed: the lease runs out, and another process goes on
            _not_written(run)
            return None
        except asyncio.CancelledError:
            # The run is cut meanwhile, which does not stop the write. `late` gets its answer, and the fence decides
            # whether it counts.
            if not writing.cancelled():  # it was written, or could not be, a moment before
                late(writing.result() if writing.exception() is None else None, True)
            if running.cut is None:
                raise
            return None
        self._conclude(completed, held, run, verdict, began)
        return completed.following

    async def _tell(self, running: Running, run: Run, verdict: Verdict) -> Verdict | None:
        """Tells the app and Slack of a dead letter, and Slack of a workflow step that was cancelled.

        Returns what follows; None: the lease was lost meanwhile.
        """
        if verdict.end is End.CANCELLED:
            await self._tell_step(run, verdict)
            return verdict
        # A run of its own, because that of the delivery may have been refused further calls.
        running.run = Run(run.delivery, run.attempt, began=run.began)
        telling = CALLS.set(running.run.calls)
        try:
            return await self._conclude_failure(run, verdict)
        except asyncio.CancelledError:
            if running.was_cut() is None:
                raise
            cut = self.of_cut(running)  # the process that runs it next tells Slack
        finally:
            CALLS.reset(telling)
        if cut is not None and cut.end is End.CANCELLED:
            await self._tell_step(run, cut)
        return cut

    def _conclude(self, completed: Completed, held: Held, run: Run | None, verdict: Verdict, began: float) -> None:
        """Logs and counts the end of a run."""
        stored = held.stored
        if not completed.written:
            log.warning("completion refused: the lane is another's by now", key=stored.key)
            if run is not None:
                count_repeats(run, Cut.LOST)
            stored_ended(stored, run, "lost", None, self._clock() - began, lane=held.lease.lane)
            return
        if verdict.end is End.DONE and run is not None and self.holding.known:
            self.holding.succeeded(run.listener)
        if verdict.end is End.RETRY and 2 * stored.tries > self._limits.max_attempts:
            metrics.late_failures.add()
        stored_ended(
            stored, run, _word(verdict, run), verdict.error, self._clock() - began, verdict.reason, lane=held.lease.lane
        )
        if completed.freed and verdict.waits_for is None:
            self._freed(verdict.delay_seconds, held.lease.lane)

    async def settle(self) -> None:
        """Waits until those just turned away are handed back, so that a crash that follows does not count for them."""
        await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._inbox.flush()

    def _written_late(  # noqa: PLR0917 - what a run is concluded with, then what the inbox says
        self, held: Held, run: Run | None, verdict: Verdict, began: float, completed: Completed | None, is_late: bool
    ) -> None:
        """Concludes a write that ended after its run was cut. The next delivery of its lane is handed back."""
        if not is_late:
            return
        if completed is None:
            _not_written(run)
            return
        self._conclude(completed, held, run, verdict, began)
        if (following := completed.following) is not None:
            handing_back = self._inbox.complete(Outcome(following.lease, following.stored.id, End.HANDED_BACK))
            handing_back.add_done_callback(lambda _: self._freed(0, following.lease.lane))

    def _freed(self, delay_seconds: float, lane: str) -> None:
        """Sees that a free lane is claimed: we look when its backoff is over, other processes are told of it now."""
        urgent = is_urgent(lane)
        look = self._slots.urgent.somebody_waits if urgent else self._slots.wake.set
        asyncio.get_running_loop().call_later(delay_seconds, look)
        if delay_seconds == 0:
            (self._inbox.wake_others_urgently if urgent else self._inbox.wake_others)()

    async def conclude_failure(self, run: Run) -> None:
        """Calls the app's error handler for a run that has failed for good; it has as long as a run has."""
        limit = self._limits.run_timeout_seconds
        try:
            with Timeout(after=limit):
                await self._told.conclude_failure(run)
        except TimeoutError:
            log.error("the app's error handler took longer than RUN_TIMEOUT_SECONDS", key=run.delivery.key)

    async def _conclude_failure(self, run: Run, verdict: Verdict) -> Verdict:
        """Tells the app and Slack of a dead letter, before it is written: at least once, also if this process dies.

        Returns the verdict: done, if the app's error handler has handled the error.
        """
        failed_with = run.error
        if failed_with is not None:
            await self.conclude_failure(run)
            if run.error is None:
                return DONE
            if run.error is not failed_with:
                verdict = replace(verdict, error=describe(run.error))
        if (
            verdict.reason is Reason.ERROR
            and run.listener is not None
            and run.error is not None
            and blames_the_app(run.error, one_of_many=run.one_of_many)
        ):
            await self.holding.died(run.listener, run.error)
        await self._tell_step(run, verdict)
        return verdict

    async def _tell_step(self, run: Run, verdict: Verdict) -> None:
        """Tells Slack that a workflow step has failed, if the delivery is one, so that its workflow does not hang."""
        if run.step_is_over:
            return
        try:
            await self._told.report_failure(run.delivery, verdict.error or "failed")
        except Exception as error:  # whatever the Web API raises: its end is written all the same
            log.warning("Slack was not told of a failed workflow step", key=run.delivery.key, error=describe(error))


def _not_written(run: Run | None) -> None:
    """Its end is not stored, because the inbox is closed or refuses it: its lease runs out, and it runs again."""
    if run is not None:
        count_repeats(run, Cut.EXPIRED)
        run.over("not_written")


def _word(verdict: Verdict, run: Run | None) -> str:
    if verdict.end is End.DONE:
        return run.done_word if run is not None else "done"
    return "failed" if verdict.end is End.RETRY else verdict.end.value
