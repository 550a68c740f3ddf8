"""Group commit: what is submitted while one write is under way goes into the next one, together."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from anchorbolt.errors import StoreError, StoreRefusedError, StoreUnavailableError, StoreUnknownError
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.tasks import spawn

log = get_logger("inbox")

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Item_contra = TypeVar("Item_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)

# Takes the answer to an item, or None where there is none, and whether nobody waits for it: who waited has cancelled
# the future.
Then = Callable[[Answer | None, bool], None]

PAUSE_SECONDS = 0.1
# So many share the price of a write well enough: they do not wait for others.
CROWD = 32
# A statement holds some copies of what it writes, and must be written within the deadline: so much of it in a group.
MOST_WEIGHT = 4 * 1024 * 1024


class Write(Protocol[Item_contra, Answer_co]):
    """Writes items: one answer an item. Raises a StoreError."""

    async def __call__(self, items: Sequence[Item_contra], /, *, in_doubt: bool) -> Sequence[Answer_co]:
        """`in_doubt`: a write before, whose outcome is unknown, held them; with others perhaps, and nothing since."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item, Answer]):
    item: Item
    future: asyncio.Future[Answer]
    deadline: float | None
    then: Then[Answer] | None
    in_doubt: bool = False


class Group(Generic[Item, Answer]):
    """Writes items in groups, one group at a time, and tries again while the database is away."""

    def __init__(
        self,
        write: Write[Item, Answer],
        *,
        most: int = 256,
        weight: Callable[[Item], int] | None = None,
        apart_seconds: float = 0,
        on_beat: bool = False,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[int], None] = lambda size: None,
    ) -> None:
        """`apart_seconds`: from the beginning of one write to that of the next, at least.

        `weight`: how much of MOST_WEIGHT an item takes up; None: items have no weight.
        `on_beat`: a write that waits begins in the same moment as those of other groups, for they share a commit.
        """
        self._write = write
        self._most = most
        self._weight = weight
        self._apart_seconds = apart_seconds
        self._on_beat = on_beat
        self._began = float("-inf")
        self._clock = clock
        self._observe = observe
        self._queue: deque[_Waiting[Item, Answer]] = deque()
        self._some = asyncio.Event()
        self._crowd = asyncio.Event()  # so many wait, or for so long, that the next write begins
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the task that writes the groups."""
        self._task = spawn(self._run(), "group commit")

    def submit(
        self, item: Item, deadline: float | None = None, then: Then[Answer] | None = None
    ) -> asyncio.Future[Answer]:
        """Queues an item. The future fails with StoreUnavailableError when it could not be written by the deadline.

        Nobody needs to wait for the future: who stops waiting does not stop the write. An item whose commit may have
        happened is written again, whatever the deadline, until the database says that it has it.

        `then`: called before the future is done, also where that was cancelled. A callback of the future would cost a
        turn of the event loop, and learn nothing of an answer that came after the cancellation.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue = self._queue
        queue.append(_Waiting(item, future, deadline, then))
        if len(queue) == 1:
            self._idle.clear()
            self._some.set()
        elif len(queue) >= CROWD:
            self._crowd.set()
        return future

    def withdraw(self, future: asyncio.Future[Answer]) -> bool:
        """Takes an item back that waits: its future is cancelled, and its `then` is not called.

        Returns whether that was possible: not once its write has begun, nor where its commit may have happened.
        """
        for waiting in reversed(self._queue):
            if waiting.future is future and not waiting.in_doubt:
                self._queue.remove(waiting)
                future.cancel()
                return True
        return False

    async def flush(self) -> None:
        """Waits until everything that was submitted is written or has failed."""
        while not self._idle.is_set():  # the end of one write may have begun another
            await self._idle.wait()

    async def stop(self) -> None:
        """Ends the writing; what still waits fails."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for waiting in self._queue:
            _fail(waiting, StoreUnavailableError("the inbox is closed"))
        self._queue.clear()
        self._idle.set()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            await self._keep_apart()
            group = [self._queue.popleft() for _ in range(self._size())]
            try:
                left = await self._try(group)
            except asyncio.CancelledError:
                self._queue.extendleft(reversed(group))
                raise
            self._queue.extendleft(reversed(left))
            if left:
                self._drop_late()  # also before the pause: behind it, the answer to Slack may be too late
                await asyncio.sleep(PAUSE_SECONDS)
                self._drop_late()
            if not self._queue:
                self._some.clear()
                self._idle.set()

    async def _keep_apart(self) -> None:
        """A write has a price of its own: those that come soon share it. Neither one alone nor a crowd need wait."""
        now, apart = self._clock(), self._apart_seconds
        if now < self._began + apart and len(self._queue) < CROWD:
            begins = (now // apart + 1) * apart if self._on_beat else self._began + apart
            self._crowd.clear()
            timer = asyncio.get_running_loop().call_later(begins - now, self._crowd.set)
            try:
                await self._crowd.wait()
            finally:
                timer.cancel()
        self._began = self._clock()

    def _size(self) -> int:
        """How many items the next group has.

        What is in doubt is written alone: until its answer is known, nothing may be mistaken for a part of it.
        """
        if self._queue and self._queue[0].in_doubt:
            return sum(1 for _ in itertools.takewhile(attrgetter("in_doubt"), self._queue))
        most = min(len(self._queue), self._most)
        if self._weight is None or most <= 1:  # a single item is written, whatever its weight
            return most
        weights = itertools.accumulate([self._weight(waiting.item) for waiting in itertools.islice(self._queue, most)])
        return max(1, bisect_right(list(weights), MOST_WEIGHT))

    async def _try(self, group: list[_Waiting[Item, Answer]]) -> list[_Waiting[Item, Answer]]:
        """Writes a group. Returns what must be tried again."""
        if not group:
            return []
        self._observe(len(group))
        try:
            # All of them or none: what is in doubt is written alone.
            answers = await self._write([waiting.item for waiting in group], in_doubt=group[0].in_doubt)
        except StoreUnknownError:
            for waiting in group:
                waiting.in_doubt = True
            return group
        except StoreError as error:
            return group if not isinstance(error, StoreRefusedError) else await self._try_halves(group, error)
        except Exception as error:  # it cannot even be sent, or a defect of ours
            return await self._try_halves(group, error)
        for waiting, answer in zip(group, answers, strict=True):
            future = waiting.future
            if waiting.then is not None:
                _tell(waiting, answer)
            if not future.done():
                future.set_result(answer)
        return []

    async def _try_halves(self, group: list[_Waiting[Item, Answer]], error: Exception) -> list[_Waiting[Item, Answer]]:
        """Perhaps it is about one item only: it must not fail its neighbours, nor those that come after it."""
        if len(group) == 1:
            _fail(group[0], error)
            return []
        middle = len(group) // 2
        if left := await self._try(group[:middle]):  # perhaps in doubt: nothing else is written before it is known
            return [*left, *group[middle:]]
        return await self._try(group[middle:])

    def _drop_late(self) -> None:
        now = self._clock()
        late = [
            waiting
            for waiting in self._queue
            if waiting.deadline is not None and not waiting.in_doubt and waiting.deadline <= now
        ]
        for waiting in late:
            self._queue.remove(waiting)
            _fail(waiting, StoreUnavailableError("the database was not there until the deadline"))


def _tell(waiting: _Waiting[Item, Answer], answer: Answer | None) -> None:
    then, waiting.then = waiting.then, None  # it may hold a run, which is to be gone as soon as it has ended
    if then is None:
        return
    try:
        then(answer, waiting.future.cancelled())
    except Exception:  # a defect of ours, which must not end the writing
        log.exception("what was to follow a write failed")


def _fail(waiting: _Waiting[Item, Answer], error: Exception) -> None:
    _tell(waiting, None)
    if not waiting.future.done():
        waiting.future.set_exception(error)
        waiting.future.exception()  # nobody may be waiting any more: that is no error of its own
