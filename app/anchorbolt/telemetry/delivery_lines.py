"""The two log lines of a delivery, `delivery arrived` and `delivery ended`: which of them are written.

All of them at up to MOST_A_SECOND, above that the first ones of each second; how many were left out is said every
SAID_SECONDS. A line about a failure is never left out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from anchorbolt.rate import Rate
from anchorbolt.telemetry import logs
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.quick_line import QuickLine

log = get_logger("delivery")

MOST_A_SECOND = 50
SAID_SECONDS = 10.0
ARRIVED = "delivery arrived"
ENDED = "delivery ended"  # whoever looks for a delivery looks for this line, and `make run` reads it

Field = str | int | float | bool | None


class Budget:
    """How many lines of one sort are written in a second."""

    def __init__(self) -> None:
        self.left_out = 0
        self._rate = Rate(MOST_A_SECOND)

    def allows(self, now: float) -> bool:
        """Whether one more is written at this time (in seconds); one that is not is counted."""
        if self._rate.take(now):
            return True
        self.left_out += 1
        return False


class DeliveryLines:
    """Writes the lines of deliveries. Only the event loop's thread may call it."""

    def __init__(self, which: str = "all", clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quick: QuickLine | None = None
        self.configure(which)

    def configure(self, which: str, *, level: str = "DEBUG") -> None:
        """`which`: LOG_DELIVERIES. `level`: LOG_LEVEL; at DEBUG no line is left out."""
        number = logging.getLevelNamesMapping()[level]
        self._which = which
        self._of_good = which == "all" and number <= logging.INFO
        self._limited = number > logging.DEBUG
        self._arrived, self._ended = Budget(), Budget()
        self._say_at = self._clock() + SAID_SECONDS
        handler = logs.json_handler()
        self._quick = QuickLine(handler, "anchorbolt.delivery") if handler is not None else None

    def takes_arrival(self) -> bool:
        """Whether the line of an arrival is to be written now; one that is not is counted."""
        return self._of_good and (not self._limited or self._arrived.allows(self._clock()))

    def arrived(self, fields: dict[str, Field]) -> None:
        """Writes that a delivery has come from Slack, where `takes_arrival` was true."""
        self._write(ARRIVED, fields)

    def takes_end(self, level: str | None) -> bool:
        """As `takes_arrival`, for the end of a run. `level`: of a line that is never left out; None: it ended well."""
        if level is not None:
            return self._which != "none"
        return self._of_good and (not self._limited or self._ended.allows(self._clock()))

    def ended(self, level: str | None, fields: dict[str, Field]) -> None:
        """Writes that a run has ended, where `takes_end` was true for this level."""
        if level is not None:
            getattr(log, level)(ENDED, **fields)
        else:
            self._write(ENDED, fields)

    def turn(self) -> None:
        """Says from time to time how many lines were left out. Called a few times a second."""
        now = self._clock()
        if now < self._say_at:
            return
        self._say_at = now + SAID_SECONDS
        self.say()

    def say(self) -> None:
        """Says how many lines were left out since the last time."""
        arrived, ended = self._arrived.left_out, self._ended.left_out
        if arrived or ended:
            self._arrived.left_out = self._ended.left_out = 0
            log.info("deliveries were not logged", arrived=arrived, ended=ended)

    def _write(self, event: str, fields: dict[str, Field]) -> None:
        if self._quick is None or not self._quick.write(event, fields):
            log.info(event, **fields)


lines = DeliveryLines()
