"""Waits for the end of runs that began before they were stored: those of interactions, whose listeners go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from anchorbolt.bolt.run import Run
from anchorbolt.errors import RunError
from anchorbolt.worker.ended import unstored_ended
from anchorbolt.worker.ending import Ending
from anchorbolt.worker.run_limit import RunLimit
from anchorbolt.worker.runs import Running
from anchorbolt.worker.stood_at import timed_out
from anchorbolt.worker.verdict import Limits, judge


class InteractiveRuns:
    """Sees the runs of interactions to their end, stored or not."""

    def __init__(self, ending: Ending, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._ending = ending
        self._limits = limits
        self._clock = clock

    def has_ended(self, run: Run) -> None:
        """Reports the end of a run that is not stored and has ended. `done`: Slack was not told of a failure."""
        outcome = run.done_word if run.unmatched or (run.error is None and run.reason is None) else "failed"
        if outcome == "done":
            self._ending.holding.succeeded(run.listener)
        unstored_ended(run, outcome, self._clock() - run.began)

    async def see_unstored(self, running: Running, run: Run) -> None:
        """Waits for a run that need not be stored: Slack was told of a failure, or it is one of options."""
        try:
            await run.wait()
            await self._conclude(run)
        except asyncio.CancelledError:
            await _cancelled(run)
            if running.cut is None:
                raise
        finally:
            self.has_ended(run)

    async def see_stored(self, running: Running, run: Run) -> None:
        """Waits for a run that is stored by now, and writes its end."""
        try:
            await self._wait(run)
        except asyncio.CancelledError:
            await _cancelled(run)
            if running.cut is None:
                raise
        if running.listeners_were_cut():
            verdict = self._ending.of_cut(running)
        else:
            verdict = judge(run.error, run.attempt.attempt, self._limits, is_final=run.step_is_over)
        await self._ending.write(running, run, verdict, run.began)

    async def see_unprotected(self, running: Running, run: Run) -> None:
        """Waits for a run that Slack was told is done although it could not be stored."""
        try:
            await self._wait(run)
            await self._conclude(run)
        except asyncio.CancelledError:
            await _cancelled(run)
            if running.cut is None:
                raise
        finally:
            if running.listeners_were_cut():
                run.fail(RunError("cut short by the end of this process, and stored nowhere"))
            unstored_ended(run, run.done_word if run.error is None else "lost", self._clock() - run.began)

    async def _conclude(self, run: Run) -> None:
        """A failure of what is not stored is final. Where Slack was told of it, the app's error handler knows."""
        if run.error is not None and run.reason is None:
            await self._ending.conclude_failure(run)

    async def _wait(self, run: Run) -> None:
        """Returns when all of it has really ended, also when it took too long."""
        limit = run.limit = RunLimit(self._limits.run_timeout_seconds, run.calls)
        try:
            with limit:
                await run.wait()
        except TimeoutError:
            run.cancel()
            await run.wait()
        finally:
            limit.end()
        if limit.cut_short:
            run.error = timed_out(run, limit)


async def _cancelled(run: Run) -> None:
    run.cancel()
    await run.wait_for_threads()
    await run.wait()
