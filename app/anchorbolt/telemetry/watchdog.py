"""Names what blocks the event loop: a thread that looks at the loop's stack while the loop stands still."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NamedTuple

from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.pulse import BEAT_SECONDS

log = get_logger("watchdog")

# A loop that stands still for so long is reported with its stack.
STUCK_SECONDS = 1.0
# What is shorter is no block: the loop was only busy.
COUNTED_SECONDS = 0.1
LOOK_SECONDS = 0.25
# The innermost frames say what blocks. A recursion must not fill the log.
MOST_FRAMES = 30
MOST_CHARACTERS = 6_000


class Blamed(NamedTuple):
    """The run that a task belongs to."""

    key: str
    listener: str | None


class Watchdog:
    """Logs once per block what blocks the event loop, and counts the seconds that it was blocked.

    The loop calls `turn` with every beat of the pulse, and a thread looks how long ago the last one was.
    """

    def __init__(
        self,
        blame: Callable[[asyncio.Task[object]], Blamed | None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`blame`: returns the run that a task belongs to, or None; it is called from another thread."""
        self._blame = blame
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._beat_at = 0.0
        self._looked_at = 0.0
        self._reported_beat: float | None = None  # the last beat before the block that was reported
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begins to watch the running event loop, from a thread that ends with the process."""
        self.watch(asyncio.get_running_loop(), threading.get_ident())
        threading.Thread(target=self._run, name="watch the event loop", daemon=True).start()

    def watch(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        """Watches a loop that runs in the thread with this identifier; `look` is called by somebody else."""
        self._loop, self._loop_thread = loop, thread
        self._beat_at = self._looked_at = self._clock()

    def stop(self) -> None:
        """Ends the thread at its next look."""
        self._stopped.set()

    def turn(self) -> None:
        """Notes that the loop goes on. It is called on the loop, about every BEAT_SECONDS."""
        now = self._clock()
        beat_at, self._beat_at = self._beat_at, now
        late = now - beat_at - BEAT_SECONDS
        if late <= COUNTED_SECONDS:
            return
        metrics.loop_blocked.add(amount=late)  # here, and not in the thread: only the loop's thread may record
        if late >= STUCK_SECONDS:
            # Without a report, the thread could not look: the process had no CPU, or C code kept the GIL.
            log.warning("the event loop goes on", seconds=round(late, 2), reported=self._reported_beat == beat_at)

    def look(self) -> None:
        """Reports the loop if it stands still. It is called in the thread, about every LOOK_SECONDS."""
        now = self._clock()
        looked_at, self._looked_at = self._looked_at, now
        beat_at = self._beat_at
        seconds = now - beat_at - BEAT_SECONDS
        if seconds < STUCK_SECONDS or self._reported_beat == beat_at:
            return
        if now - looked_at > LOOK_SECONDS + STUCK_SECONDS:
            return  # the whole process stood still, this thread too: what the loop does just now is not to blame
        frame = sys._current_frames().get(self._loop_thread)
        task = asyncio.current_task(self._loop) if self._loop is not None else None
        blamed = self._blame(task) if task is not None else None
        stack = _written(frame) if frame is not None else ""
        del frame  # it would keep alive what the listener has in its variables
        if self._beat_at != beat_at:
            return  # it went on meanwhile, so that the stack may show something else
        self._reported_beat = beat_at
        log.warning(
            "the event loop stands still",
            seconds=round(seconds, 2),
            listener=blamed.listener if blamed is not None else None,
            key=blamed.key if blamed is not None else None,
            task=task.get_name() if task is not None else None,
            stack=stack,
        )

    def _run(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:  # the thread must go on, whatever a look comes across
                log.exception("the event loop could not be looked at")


def _written(frame: FrameType) -> str:
    """The innermost frames of a stack, as in a traceback. Without variables, which hold what users have written."""
    summary = traceback.StackSummary.extract(traceback.walk_stack(frame), limit=MOST_FRAMES)
    summary.reverse()
    return "".join(summary.format())[-MOST_CHARACTERS:]
