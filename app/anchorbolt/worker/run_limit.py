"""The time limit of a run: a call that is under way then may end, and the run is cancelled after that."""

from __future__ import annotations

import asyncio

from anchorbolt.bolt.web_api.calls import Calls
from anchorbolt.errors import RunTimeoutError
from anchorbolt.timers import Timeout

# No run waits for so long: Slack's Retry-After is minutes at most.
STANDS_STILL_SECONDS = 86_400.0


class RunLimit(Timeout):
    """A Timeout at whose end no new call may begin, and which gives the call under way GRACE_SECONDS to end."""

    __slots__ = ("_calls", "_name", "_seconds", "over")

    def __init__(self, seconds: float, calls: Calls) -> None:
        # What the constructor of Timeout does, written out: there is one of these for each run.
        self._at, self._after, self.expired = 0.0, seconds, False
        self._calls = calls
        self._name = ""  # of the limit, where it is not RUN_TIMEOUT_SECONDS
        self._seconds = seconds
        self.over = False  # it may make no more calls; `expired` comes once the call under way has ended

    def end(self) -> None:
        """Ends the wait for the call under way. To be called after the block, whatever happened in it."""
        if self.over:
            self._calls.forget(self._expire_now)

    @property
    def cut_short(self) -> bool:
        """Whether the run was cancelled, or was refused a call, because its time was over."""
        return self.expired or (self.over and self._calls.refused)

    @property
    def error(self) -> RunTimeoutError:
        """The error of a run that was cut short."""
        return RunTimeoutError(f"it took longer than {self._name or f'RUN_TIMEOUT_SECONDS ({self._seconds:g})'}")

    def begin_again(self, seconds: float, name: str) -> None:
        """The run may take so long from now on. `name`: of the limit, for the error. Inside of the block only."""
        self._name = name
        self.move(asyncio.get_running_loop().time() + seconds)

    def stand_still(self) -> float:
        """Stops counting, for a run that waits through no fault of its listener. Returns the seconds that were left."""
        left = self._at - asyncio.get_running_loop().time()
        if not self.over:
            self.move(asyncio.get_running_loop().time() + STANDS_STILL_SECONDS)
        return left

    def go_on(self, left: float) -> None:
        """Counts again, with so many seconds left."""
        if not self.over:
            self.move(asyncio.get_running_loop().time() + left)

    def _expire_now(self) -> None:
        super()._expire()

    def _expire(self) -> None:
        self.over = True
        self._calls.close(self._expire_now)
