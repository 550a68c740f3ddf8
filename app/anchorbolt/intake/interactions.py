"""The way of what a user waits for: Bolt answers now, and what goes on after the ack is stored before that leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery, Kind
from anchorbolt.errors import AckTimeoutError, RefusedError, StoreError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.telemetry import logs, metrics, traces
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.timers import Timeout
from anchorbolt.worker.ended import unstored_ended
from anchorbolt.worker.settled import settled
from anchorbolt.worker.worker import Runner

log = get_logger("receiver")


# Bolt's request is built outside of its own error handling: these are of a payload that is not what its type says.
UNREADABLE = (AttributeError, TypeError, KeyError, ValueError, IndexError, RecursionError)


class Answer(Protocol):
    """What Bolt answered, in the form of the door that asked. Below 300: Slack is told that it is done."""

    @property
    def status_code(self) -> int:
        """As over HTTP."""


Answered = TypeVar("Answered", bound=Answer)


class Interactions:
    """Answers commands, actions, shortcuts, views and options, whatever door they came by."""

    def __init__(self, inbox: Inbox, runner: Runner) -> None:
        self._inbox = inbox
        self._runner = runner
        self._unstored: set[asyncio.Task[None]] = set()
        self.unprotected = 0
        self._clock = time.monotonic

    async def answer(
        self,
        delivery: Delivery,
        deadline: float,
        on_end: Callable[[], None],
        ask: Callable[[Run], Awaitable[Answered]],
    ) -> Answered:
        """Bolt's answer, by the deadline (the loop's clock). `on_end` is called when its listeners have ended.

        `ask` brings the question to Bolt, in the way of the door that it came by.

        Raises RefusedError: 400 for a payload that Bolt cannot read, 503 when there was no answer in time.
        """
        began = self._clock()
        logs.begin_run(delivery.key, 1)
        trace = traces.begin_attempt(traces.traceparent(), delivery.kind.value, delivery.key, 1)
        run = Run(delivery, Attempt(delivery.key, delivery.kind), ack_by=deadline, trace=trace)
        response: Answered | None = None
        try:
            with Timeout(deadline + 0.05) as timeout:  # Bolt's own wait for the ack ends before it
                response = await ask(run)
        except TimeoutError:
            if not timeout.expired:
                raise
            run.fail(AckTimeoutError("no answer in time, from before the listener"))
            raise RefusedError(503, "ack_timeout") from None
        except UNREADABLE as error:
            run.fail(error)
            raise RefusedError(400, "bad_payload") from None
        except Exception as error:
            run.fail(error)
            raise
        finally:
            if response is None:
                run.cancel()
                self._watch(run, began, on_end)
        await self._after_ack(run, response, deadline, began, on_end)
        return response

    async def _after_ack(
        self, run: Run, response: Answer, deadline: float, began: float, on_end: Callable[[], None]
    ) -> None:
        """Stores what goes on after the ack, or has failed after it, before the 200 leaves."""
        acknowledged = response.status_code < 300
        if acknowledged and not run.ended:
            await asyncio.sleep(0)  # ack() is often the last line
        if not acknowledged or (run.ended and run.error is None) or run.delivery.kind is Kind.OPTIONS:
            self._watch(run, began, on_end)
            return
        adopting = self._runner.adopt(run, deadline, on_end)
        if not self._inbox.up:
            self._count_unprotected(run)
            return
        try:
            with Timeout(deadline):
                await settled(adopting)
            adopting.result()
            if run.trace is not None:
                run.trace.event("stored")
        except (TimeoutError, StoreError):
            # Slack's user is told of the success all the same: their listener runs.
            self._count_unprotected(run)

    def _count_unprotected(self, run: Run) -> None:
        self.unprotected += 1
        metrics.unprotected_acks.add(run.delivery.kind.value)
        log.warning("acknowledged without being stored: the database is not there", key=run.delivery.key)

    def _watch(self, run: Run, began: float, on_end: Callable[[], None]) -> None:
        """Keeps hold of what is not stored until it has ended."""
        if run.ended:
            self._ended(run, began, on_end)
            return
        task = asyncio.get_running_loop().create_task(run.wait(), name="unstored run")
        self._unstored.add(task)
        task.add_done_callback(self._unstored.discard)
        task.add_done_callback(lambda _: self._ended(run, began, on_end))

    def _ended(self, run: Run, began: float, on_end: Callable[[], None]) -> None:
        on_end()
        outcome = "unmatched" if run.unmatched else "done" if run.error is None else "failed"
        unstored_ended(run, outcome, self._clock() - began)

    async def finish(self, timeout_seconds: float) -> None:
        """Waits for what is not stored, at the end of the pod."""
        if self._unstored:
            await asyncio.wait(self._unstored, timeout=timeout_seconds)
