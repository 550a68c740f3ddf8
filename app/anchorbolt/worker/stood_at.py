"""Where a run stood when its time was over, or when somebody cancelled it: for the log, and for the history."""

from __future__ import annotations

from anchorbolt.bolt.raised import log_raised
from anchorbolt.bolt.run import Run, TimeLimit
from anchorbolt.delivery.log_fields import failure_fields
from anchorbolt.errors import RunError


def timed_out(run: Run, limit: TimeLimit) -> Exception:
    """Returns the error of a run whose time is over, with the stack of where it stood; the log has it too."""
    error = limit.error.with_traceback(run.stood_at)
    _log(run, error)
    return error


def cancelled(run: Run, why: str | None) -> Exception | None:
    """Returns the error of a run that somebody has cancelled, as above; None where it is not known where it stood."""
    if run.stood_at is None:
        return None
    error = RunError(why or "cancelled").with_traceback(run.stood_at)
    _log(run, error)
    return error


def _log(run: Run, error: Exception) -> None:
    """Logs the stack once a run. A drain that hands a run back has nothing to say of its listener, so it logs none."""
    if run.stood_at is None or run.stack_is_logged:
        return
    run.stack_is_logged = True
    log_raised("cut short", error, listener=run.listener, attempt=run.attempt.attempt, **failure_fields(run.delivery))
