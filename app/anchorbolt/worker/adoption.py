"""Sees a listener to its end that acknowledged over HTTP and goes on: stored meanwhile, renewed, completed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from anchorbolt.bolt.run import Run
from anchorbolt.errors import RunError, RunTimeoutError
from anchorbolt.inbox.accept import Accepted
from anchorbolt.timers import Timeout
from anchorbolt.worker.ended import unstored_ended
from anchorbolt.worker.ending import Ending
from anchorbolt.worker.running import Running, Runs
from anchorbolt.worker.settled import settled
from anchorbolt.worker.verdict import Limits, Verdict, judge


class Adoption:
    """Runs that began before they were stored."""

    def __init__(self, runs: Runs, ending: Ending, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._runs = runs
        self._ending = ending
        self._limits = limits
        self._clock = clock

    async def see_to_its_end(self, run: Run, accepting: asyncio.Future[Accepted], lease_seconds: float) -> None:
        """Waits for the listener. What could not be stored runs on all the same, unprotected."""
        began = self._clock()
        await settled(accepting)
        accepted = None if accepting.cancelled() or accepting.exception() else accepting.result()
        if accepted is None or accepted.held is None:
            try:
                await self._wait(run)
            except asyncio.CancelledError:
                run.fail(RunError("cut short by the end of this process, and stored nowhere"))
                raise
            finally:
                unstored_ended(run, "done" if run.error is None else "lost", self._clock() - began)
            return
        running = Running(accepted.held, accepted.held.sent_at + lease_seconds, run.delivery, asyncio.current_task())
        self._runs.add(running)
        try:
            try:
                await self._wait(run)
                verdict: Verdict | None = judge(run.error, run.attempt.attempt, self._limits)
            except asyncio.CancelledError:
                if running.cut is None:
                    raise
                verdict = self._ending.of_cut(running.cut)
            await self._ending.write(running, run, verdict, began)
        finally:
            self._runs.discard(running)

    async def _wait(self, run: Run) -> None:
        """Until all of it has really ended, also when it is cut short."""
        limit = self._limits.run_timeout_seconds
        try:
            with Timeout.after(limit):
                await run.wait()
        except TimeoutError:
            run.cancel()
            await run.wait()
            run.error = RunTimeoutError(f"it took longer than RUN_TIMEOUT_SECONDS ({limit:g})")
        except asyncio.CancelledError:
            run.cancel()
            await run.wait()
            raise
