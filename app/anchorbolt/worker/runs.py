"""Every run of this process, stored or not; a stored one with the lease that allows it."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Delivery
from anchorbolt.inbox.lease import Held
from anchorbolt.telemetry import metrics


class Cut(StrEnum):
    """Why a run was cut short, when that was not its own doing."""

    LOST = "lost"  # another process holds its lane: we must not write its end
    EXPIRED = "expired"  # it could not be renewed in time: stopped before another process may claim its lane
    DRAINED = "drained"  # the process ends: another one goes on with it
    CANCELLED = "cancelled"  # by an operator, or by a listener: nobody goes on with it


@dataclass(slots=True, eq=False)
class Running:
    """One run. Without `held` it is not stored, or not yet: there is no lease to keep.

    `expires_at` is a time of our monotonic clock: until then no other process can claim its lane.
    """

    key: str
    held: Held | None = None
    urgent: bool = False  # it is that of an urgent event: in a slot of its own, and nothing holds it back
    expires_at: float = math.inf
    delivery: Delivery | None = None  # if it is still in memory; else it is parsed from what is stored
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    run: Run | None = field(default=None, repr=False)  # what runs now; None before Bolt has it
    cut: Cut | None = None  # why it was cancelled
    cancelled_by: str | None = None  # who said so, where somebody did
    ending: Cut | None = None  # why it makes no more calls, and is cancelled once the one under way has ended
    writes_end: bool = False  # its end is on the way to the inbox, which also tells whether the lease still held
    in_a_row: int = 0  # how many deliveries of its lane have ended in this slot

    def hold(self, held: Held, lease_seconds: float) -> None:
        """Takes a stored delivery with its lease: this is what runs from now on."""
        self.key = held.stored.key
        self.held = held
        self.expires_at = held.sent_at + lease_seconds

    def stop(self, why: Cut) -> None:
        """Cancels the run, and resets the connections of its calls: it sends nothing more. The first reason counts."""
        if self.cut is not None:
            return
        self.cut = why
        if self.run is not None:
            self.run.calls.reset()
            if not self._listeners_ended:
                count_repeats(self.run, why)
        if (task := self.begun_task) is not None:
            task.cancel()
        elif self.run is not None:
            self.run.cancel()

    def end(self, why: Cut) -> None:
        """Stops a run whose lease holds: it makes no more calls, and the one under way has a moment to end."""
        if self.cut is not None or self.ending is not None:
            return
        self.ending = why
        if self.run is None:
            self.stop(why)
        else:
            self.run.calls.close(lambda: self.stop(why))

    @property
    def _listeners_ended(self) -> bool:
        """Whether its listeners have ended, and only its end is not stored yet. An event's `writes_end` says so."""
        run = self.run
        return self.writes_end or (run is not None and run.ack_by is not None and run.ended)

    @property
    def begun_task(self) -> asyncio.Task[None] | None:
        """Its task, once that has taken its first step. Before that it is not to be cancelled: it finds `cut` there.

        Cancelled before its first step it would take none at all, and nobody would write how its run ended.
        """
        if self.task is None:
            return None
        work = self.task.get_coro()
        is_new = inspect.iscoroutine(work) and inspect.getcoroutinestate(work) == inspect.CORO_CREATED
        return None if is_new else self.task

    @property
    def keeps_lease(self) -> bool:
        """Whether its lease is to be renewed: also for a run that was stopped, while a thread of it goes on.

        Only one that another process has taken over has nothing to renew.
        """
        return self.cut is None or (self.cut is not Cut.LOST and self.run is not None and self.run.threads > 0)

    def was_cut(self) -> Cut | None:
        """Returns why the run was cut short: it was cancelled, or it was refused a call. None: neither."""
        if self.cut is None and self.ending is not None and self.run is not None and self.run.calls.refused:
            self.cut = self.ending  # not stop(): who asks is its task, which is about to write the end
            self.run.calls.reset()
            count_repeats(self.run, self.cut)
        return self.cut

    def listeners_were_cut(self) -> bool:
        """Whether the listeners of an interaction were cut short, and had not ended by themselves before that.

        Where the lease is lost they count as cut in any case: their end is not ours to write.
        """
        cut = self.was_cut()
        return cut is Cut.LOST or (cut is not None and (self.run is None or not self.run.ended_by_itself))


class Runs:
    """All runs of one process."""

    def __init__(self) -> None:
        self._runs: dict[Running, None] = {}  # in the order in which they began
        self._none = asyncio.Event()
        self._none.set()

    def __iter__(self) -> Iterator[Running]:
        return iter(list(self._runs))

    def __contains__(self, running: Running) -> bool:
        return running in self._runs

    def add(self, running: Running) -> None:
        """Adds a run that begins."""
        if not self._runs:
            self._none.clear()
        self._runs[running] = None

    def discard(self, running: Running) -> None:
        """Removes a run that has really ended and whose end is written, or is not ours to write."""
        self._runs.pop(running, None)
        if not self._runs:
            self._none.set()

    def of(self, task: asyncio.Task[object]) -> Running | None:
        """Returns the run that a task belongs to. Another thread may ask, while the event loop stands still."""
        for running in self:
            if running.task is task or (running.run is not None and task in running.run.tasks):
                return running
        return None

    async def all_ended(self) -> None:
        """Returns when none is left."""
        while self._runs:
            await self._none.wait()


def count_repeats(run: Run, why: Cut) -> None:
    """Counts, once, the calls of a run that another run will make again: those that it made, or had under way."""
    if run.calls.made and not run.repeats_counted:
        run.repeats_counted = True
        metrics.web_api_repeats.add(why.value, amount=run.calls.made)
