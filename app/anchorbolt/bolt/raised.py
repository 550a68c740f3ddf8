"""Logs what a listener or a middleware raised: what was said and where, the traceback once a delivery.

Of one error that many deliveries meet, only the first few of a minute have the traceback.
"""

from __future__ import annotations

import logging
import traceback
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from anchorbolt.bolt import team_code
from anchorbolt.bolt.description import describe, redacted
from anchorbolt.bolt.repeats import MOST_IN_FULL, Repeats
from anchorbolt.telemetry.logs import get_logger

log = get_logger("bolt")

MOST_CHARACTERS = 12_000
# So many deliveries are remembered whose traceback was logged. One that is forgotten is logged once more.
MOST_DELIVERIES = 1_000

# Delivery key → where its last error was raised, and the attempt whose line has the traceback.
_logged: OrderedDict[str, tuple[object, int]] = OrderedDict()
_repeats = Repeats()


def log_raised(event: str, error: BaseException, **more: Any) -> None:
    """Logs an error at the level WARNING, with its text and, once a delivery, its traceback; both are redacted.

    `more`: fields of the line. Where `key` and `attempt` are among them, a later attempt that raised the same error at
    the same place has `traceback_at_attempt` instead of `traceback`. Above MOST_IN_FULL tracebacks of one error a
    minute the line has `same_error_this_minute`, their number, in its place; not at DEBUG. Each process remembers that
    for itself, so another pod logs the traceback once more.
    """
    place = _place(error)
    key, attempt = more.get("key"), more.get("attempt", 1)
    told: dict[str, Any] = {"error": describe(error)}
    if where := place_of_team(error):
        told["where"] = where
    known = _logged.get(key) if key is not None else None
    if known is not None and known[0] == place and known[1] != attempt:
        told["traceback_at_attempt"] = known[1]
    elif (times := _repeats.count(place)) > MOST_IN_FULL and not _logs_everything():
        told["same_error_this_minute"] = times
    else:
        told["traceback"] = redacted_traceback(error)
        if key is not None:
            _logged[key] = (place, attempt)
            _logged.move_to_end(key)
            if len(_logged) > MOST_DELIVERIES:
                _logged.popitem(last=False)
    log.warning(event, **more, **told)


def redacted_traceback(error: BaseException) -> str:
    """Returns the traceback, redacted, from the first frame that is the team's own: what called it is not theirs."""
    whole = traceback.TracebackException.from_exception(error, compact=True)
    _begin_with_team(whole)
    lines = list(whole.format())
    text = "".join(lines)
    if len(text) > MOST_CHARACTERS:  # the end says what was raised, and where
        text = text[: MOST_CHARACTERS // 3] + "\n[...]\n" + text[-MOST_CHARACTERS // 2 :]
    return redacted(text, MOST_CHARACTERS)


def place_of_team(error: BaseException) -> str | None:
    """Returns the innermost of the team's own frames as `file:line in function`; None where there is none."""
    frames = team_code.frames(error)
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else None


def _logs_everything() -> bool:
    """Whether the level of the log is DEBUG: a developer wants every traceback."""
    return logging.getLogger("anchorbolt.bolt").isEnabledFor(logging.DEBUG)


def _place(error: BaseException) -> Hashable:
    """Returns what is equal for two errors of one class that were raised at the same place."""
    frames = tuple((frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__))
    cause = error.__cause__ or error.__context__
    return type(error), frames, type(cause)


def _begin_with_team(one: traceback.TracebackException | None) -> None:
    # The errors that it came from are few; a chain that leads back to itself is cut by TracebackException.
    while one is not None:
        first = next((at for at, frame in enumerate(one.stack) if team_code.is_teams(frame.filename)), 0)
        del one.stack[:first]
        for inner in one.exceptions or ():
            _begin_with_team(inner)
        one = one.__cause__ or one.__context__
