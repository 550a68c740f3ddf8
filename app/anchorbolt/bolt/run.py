"""One dispatch of one delivery through Bolt: what ran, whether it acknowledged, how it ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Literal, Protocol

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.delivery import Attempt, Delivery
from anchorbolt.errors import RunError, as_exception
from anchorbolt.telemetry.traces import AttemptTrace

# The outcomes of runs of workspaces that we have no token for.
NoListenerRuns = Literal["foreign", "not_installed"]

RUN = "anchorbolt_run"  # the key of a request's Run in its context


class TimeLimit(Protocol):
    """The time limit of a run, as far as the listener that was found can change it. `over`: it has ended."""

    over: bool

    @property
    def error(self) -> Exception:
        """The error of a run whose time is over."""

    def begin_again(self, seconds: float, name: str) -> None:
        """The run may take so long from now on. `name`: of the limit, for the error."""

    def stand_still(self) -> float:
        """Stops counting. Returns the seconds that were left."""

    def go_on(self, left: float) -> None:
        """Counts again, with so many seconds left."""


class Run:
    """The tasks of a dispatch, each until it has really ended, and what is known of how it ended."""

    __slots__ = (
        *("_all_ended", "_interrupted", "_on_end", "_stopped", "ack_by", "asks_hold", "attempt", "began", "calls"),
        *("counted_for", "delivery", "dispatched", "error", "error_handler_called", "fails_for_good", "limit"),
        *("listener", "no_listener_runs", "on_all_ended", "one_of_many", "passed_over", "reason", "repeats_counted"),
        *("request", "stack_is_logged", "step_is_over", "stood_at", "tasks", "threads", "trace", "unmatched"),
        *("waits_for", "__weakref__"),
    )

    def __init__(
        self,
        delivery: Delivery,
        attempt: Attempt,
        *,
        ack_by: float | None = None,
        began: float = 0.0,
        trace: AttemptTrace | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """`ack_by`: the event loop's time until which Slack waits; None when nobody waits: a stored delivery.

        `began`: when it began, on the worker's clock. `on_end`: called once what became of it is known.
        """
        self.delivery = delivery
        self.attempt = attempt
        self.ack_by = ack_by
        self.began = began
        self.trace = trace
        self._on_end = on_end
        self.listener: str | None = None
        self.dispatched = False  # Bolt has begun with it: its request could be built
        self.unmatched = False  # no listener is registered for it
        self.passed_over: str | None = None  # a listener that matched, whose own middleware did not let it run
        # It belongs to a workspace that we have no token for (no_installation.py). None: listeners may run.
        self.no_listener_runs: NoListenerRuns | None = None
        self.one_of_many = False  # its workspace is one of several, each with tokens of its own
        self.error: Exception | None = None
        self.calls = Calls()
        self.reason: str | None = None  # why Slack was told of a failure, in one word, where it was
        self.request: AsyncBoltRequest | None = None  # for the app's error handler
        self.error_handler_called = False
        self.fails_for_good = False  # nobody makes another attempt (anchorbolt.testing)
        # For a stored run: whether something holds its listener, by name, back; then it does not begin. None: nothing.
        self.asks_hold: Callable[[Run, str], Awaitable[bool] | None] | None = None
        self.waits_for: str | None = None  # what holds it back
        self.counted_for: str | None = None  # the listener among whose runs this one is counted
        self.limit: TimeLimit | None = None  # of a stored run, while it goes on
        self.repeats_counted = False  # its calls are counted as those of a run that was cut short
        self.step_is_over = False  # Slack has accepted how this workflow step ended
        self.stood_at: TracebackType | None = None  # where it was when it was cut short, for the history
        self.stack_is_logged = False  # that of `stood_at`: where nothing can stop a thread, this is not put off
        self.threads = 0  # its synchronous functions that run in threads, or wait for one: nothing can stop these
        self.tasks: set[asyncio.Task[None]] = set()
        self.on_all_ended: Callable[[], None] | None = None  # called once, when all parts have ended
        self._all_ended: asyncio.Event | None = None  # set for whoever waits
        self._stopped = False
        self._interrupted = False  # a part of it had not ended when it was cancelled

    def found(self, listener: str) -> None:
        """Notes the listener that Bolt has found."""
        self.listener = listener
        if self.trace is not None:
            self.trace.found(listener)

    def over(self, outcome: str) -> None:
        """Called by the worker once the outcome is known: releases what waits for that, and ends the trace."""
        if self._on_end is not None:
            self._on_end()
        if self.trace is not None:
            self.trace.end(outcome, self.error)
        # These refer to the run. Without the circle its memory is free at once, and the next run finds it in the cache
        # of the processor; the garbage collector comes after some hundred runs.
        self.request = self.limit = None
        self.calls.run_is_over()

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return not self.tasks

    @property
    def ended_by_itself(self) -> bool:
        """Whether it has ended, and nothing cut it short: no part of it was cancelled, and no call refused."""
        return self.ended and not self._interrupted and not self.calls.refused

    @property
    def done_word(self) -> str:
        """The outcome of a run that ended without an error: `done`, or why no listener ran."""
        return self.no_listener_runs or ("unmatched" if self.unmatched else "done")

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs a part of the dispatch beside it. Its exception is the run's error."""
        task = asyncio.get_running_loop().create_task(work, name=f"listener {self.listener}")
        self.tasks.add(task)
        task.add_done_callback(self._part_ended)
        return task

    async def wait(self) -> None:
        """Returns when all parts have ended; who stops waiting stops none of them."""
        while self.tasks:
            if self._all_ended is None:
                self._all_ended = asyncio.Event()
            self._all_ended.clear()
            await self._all_ended.wait()

    async def wait_for_threads(self) -> None:
        """Returns when no thread of it runs any more, however often the caller is cancelled meanwhile.

        A caller that was cancelled must not report the end of a run whose thread goes on: its lane would be given away.
        """
        while self.threads and self.tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await self.wait()

    @property
    def stopped(self) -> bool:
        """Whether it was cancelled: what a listener raises after that is no failure of its own."""
        return self._stopped

    def cancel(self, parts: Iterable[asyncio.Task[None]] | None = None) -> None:
        """Asks every part, or only these `parts`, to stop at its next await."""
        self._stopped = True
        if self.threads:
            self.calls.close()  # at once: a thread runs while we have not even got round to its task
        for task in self.tasks if parts is None else parts:
            self._interrupted |= task.cancel()

    def cut_at(self, cut: BaseException) -> None:
        """Notes where it stood when it was cut short. The first place counts: what follows only waits for that one."""
        if self.stood_at is None and (self._stopped or self.calls.closed):
            self.stood_at = cut.__traceback__

    def fail(self, error: Exception) -> None:
        """Notes an error. The first one counts: those that follow are mostly caused by it."""
        if self.error is None:
            self.error = error

    def _part_ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if task.cancelled():
            if not self._stopped and not self.calls.closed:
                self.fail(RunError("the listener cancelled itself"))
        elif (error := task.exception()) is not None:
            self.fail(as_exception(error))
        if self.tasks:
            return
        if self._all_ended is not None:
            self._all_ended.set()
        then, self.on_all_ended = self.on_all_ended, None  # it refers to the run: a circle, as in `over`
        if then is not None:
            then()


class Ack(AsyncAck):
    """Bolt's ack(), whose call can be waited for."""

    def __init__(self) -> None:
        self.response = None  # Bolt's own sets nothing else; there is one for each request
        self._called: asyncio.Future[None] | None = None  # made when its one waiter waits
        self._no_more = False

    async def __call__(self, *args: Any, **kwargs: Any) -> BoltResponse:
        """Acknowledges; takes the arguments of Bolt's own."""
        response = await super().__call__(*args, **kwargs)
        self.end_wait()
        return response

    def by_itself(self) -> None:
        """Does what ack() does, for a listener that need not call it."""
        self.answer_with(BoltResponse(status=200))

    def answer_with(self, response: BoltResponse) -> None:
        """Makes this the answer, in place of one that is there already, and ends the wait for it."""
        self.response = response
        self.end_wait()

    async def wait(self) -> None:
        """Returns once it was called, or `end_wait`."""
        if self.response is None and not self._no_more:
            self._called = asyncio.get_running_loop().create_future()
            await self._called

    def end_wait(self) -> None:
        """Ends the wait: there is an answer, or there will be none."""
        self._no_more = True
        if self._called is not None and not self._called.done():
            self._called.set_result(None)
