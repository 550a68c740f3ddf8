"""Makes the line that the history of a delivery keeps of an attempt which did not end well (inbox/history.py)."""

from __future__ import annotations

import time
from collections.abc import Callable

from anchorbolt.bolt.description import redacted
from anchorbolt.bolt.raised import redacted_traceback
from anchorbolt.bolt.run import Run
from anchorbolt.inbox.history import Past, line
from anchorbolt.inbox.lease import End, Stored
from anchorbolt.worker.stood_at import cancelled
from anchorbolt.worker.verdict import Verdict

# A delivery has some ten attempts: its history stays below the size of a payload.
MOST_OF_TRACEBACK = 4_000
MOST_OF_ERROR = 500
# These need no line: what is done is erased, and what did not begin was no attempt.
WITHOUT_RECORD = frozenset({End.DONE, End.HELD})


def record(  # noqa: PLR0917 - what an attempt is known by
    stored: Stored, run: Run | None, verdict: Verdict, pod: str, seconds: float, clock: Callable[[], float] = time.time
) -> str | None:
    """Returns the line, redacted and bounded; None where there is nothing to keep.

    The stack of a run that somebody cancelled is logged too, because nothing else of that run is.

    `pod`: the owner of the lease. `seconds`: how long the attempt took. `clock`: seconds since 1970.
    """
    if verdict.end in WITHOUT_RECORD or (run is None and verdict.end is End.HANDED_BACK):
        return None
    error = run.error if run is not None else None
    if run is not None and verdict.end is End.CANCELLED:
        error = cancelled(run, verdict.error) or error
    return line(
        Past(
            attempt=stored.attempts,
            listener=run.listener if run is not None else None,
            pod=pod,
            started_at=clock() - seconds,
            seconds=round(seconds, 3),
            outcome=verdict.end.value,
            reason=verdict.reason,
            error=redacted(verdict.error, MOST_OF_ERROR) if verdict.error else None,
            traceback=redacted_traceback(error)[-MOST_OF_TRACEBACK:] if error is not None else None,
        )
    )
