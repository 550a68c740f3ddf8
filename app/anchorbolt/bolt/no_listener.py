"""Says in the log that nobody listens to something, and what there is instead: a typing error is seen at once.

One line at the first request of a name, then one a minute with a count, while more of them come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context
from difflib import SequenceMatcher
from typing import Any

from anchorbolt.bolt.index import ListenerIndex
from anchorbolt.bolt.request_names import name_of, registered
from anchorbolt.delivery import Delivery
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.timers import call_later

log = get_logger("bolt")

EVERY_SECONDS = 60.0
# Names come from outside: so many are told apart, and all that follow are one.
MOST_NAMES = 200
OTHERS = "others"
MOST_REGISTERED = 10
MOST_COMPARED = 200


class NoListener:
    """Counts the requests without a listener by kind and name, and logs them."""

    def __init__(self, listeners: ListenerIndex, later: Callable[..., Any] = call_later) -> None:
        """`later(seconds, callback, *arguments)`: calls back once so much later."""
        self._listeners = listeners
        self._later = later
        self._counts: dict[tuple[str, str], int] = {}  # of those that a line was written of in the last minute

    def note(self, delivery: Delivery, passed_over_by: str | None) -> None:
        """Notes a request. `passed_over_by`: a listener that matched, whose own middleware did not let it run."""
        about = (str(delivery.kind), name_of(delivery))
        if about not in self._counts and len(self._counts) >= MOST_NAMES:
            about = (about[0], OTHERS)
        if about in self._counts:
            self._counts[about] += 1
            return
        self._say(about, self._why(about, passed_over_by), 1)

    def _say(self, about: tuple[str, str], why: str, times: int) -> None:
        said = f"no listener for {about[0]} {about[1]}{why}"
        log.info(said, times=times)
        self._counts[about] = 0
        self._later(EVERY_SECONDS, self._minute_is_over, about, why)

    def _minute_is_over(self, about: tuple[str, str], why: str) -> None:
        times = self._counts.pop(about)
        if times:
            Context().run(self._say, about, why, times)  # the line belongs to no single delivery

    def _why(self, about: tuple[str, str], passed_over_by: str | None) -> str:
        if passed_over_by is not None:
            return f": a middleware of {passed_over_by} did not call next()"
        kind, name = about
        names = _closest(name, registered(self._listeners, kind))
        more = f" and {len(names) - MOST_REGISTERED} more" if len(names) > MOST_REGISTERED else ""
        return f"; registered: {', '.join(names[:MOST_REGISTERED]) or 'none'}{more}"


def _closest(name: str, names: Sequence[str]) -> list[str]:
    """Returns the names, those first that look most like `name`. Of very many, only some are compared."""
    compared = sorted(
        names[:MOST_COMPARED], key=lambda one: SequenceMatcher(None, one, name).ratio(), reverse=True
    )  # sorted() is stable: equal ones stay in the order of registration
    return [*compared, *names[MOST_COMPARED:]]
