"""Reports the end of a run: to the metrics, to its trace, and in the log line `delivery ended`."""

from __future__ import annotations

from collections.abc import Mapping

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import headers
from anchorbolt.delivery.headers import REQUEST_ID
from anchorbolt.delivery.log_fields import log_fields
from anchorbolt.inbox.lease import End, Stored
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.delivery_lines import Field, lines
from anchorbolt.worker.verdict import describe

# Log levels of the outcomes that are not as they should be; all others are info.
LEVELS = {"dead": "error", "failed": "warning", "lost": "warning", "cancelled": "warning"}

HANDED_BACK = End.HANDED_BACK.value


def stored_ended(  # noqa: PLR0917 - in the order of the line
    stored: Stored,
    run: Run | None,
    outcome: str,
    error: str | None,
    seconds: float,
    reason: str | None = None,
    *,
    lane: str | None = None,
) -> None:
    """Reports the end of a stored run. `run`: None where none began. `lost`: another process has taken it over."""
    _count(run, stored.kind, outcome, reason or None, seconds)
    level = LEVELS.get(outcome)
    if outcome == HANDED_BACK and run is not None:
        level = "info"  # it was cut short: a drain hands back many at once, and each is named
    if not lines.takes_end(level):
        return
    told: dict[str, Field] = {"reason": reason} if reason else {}
    if error:
        told["error"] = error
    fields: dict[str, Field] = {
        "key": stored.key,
        "kind": stored.kind,
        "team": stored.workspace,
        "conversation": stored.conversation,
        "lane": lane,
    }
    kept = run.delivery.headers if run is not None else headers.restored(stored.headers)
    # What is held back is mostly parked before Bolt has matched it again: an attempt before this one has.
    listener = (run.listener if run is not None else None) or stored.listener
    _tell(level, fields, listener, outcome, stored.attempts, seconds, told, kept)


def unstored_ended(run: Run, outcome: str, seconds: float) -> None:
    """Reports the end of a run that is not stored, in the log and the metrics.

    `outcome`: such as `done`; `lost`: it was cut short, and nobody goes on with it. `seconds`: how long it took.
    """
    delivery = run.delivery
    reason = (run.reason or "listener_failed") if outcome == "failed" else None
    _count(run, str(delivery.kind), outcome, reason, seconds, last=True)
    level = "error" if outcome == "lost" else LEVELS.get(outcome)
    if not lines.takes_end(level):
        return
    told: dict[str, Field] = {"stored": False}
    if reason is not None:
        told["reason"] = reason
    if run.error is not None:
        told["error"] = describe(run.error)
    _tell(level, log_fields(delivery), run.listener, outcome, run.attempt.attempt, seconds, told, delivery.headers)


def _count(run: Run | None, kind: str, outcome: str, reason: str | None, seconds: float, *, last: bool = False) -> None:
    """Ends the trace, and counts. A line is made only where it is written: above some load most are not."""
    if run is not None:
        run.over(outcome)
    listener = run.listener if run is not None else None
    metrics.run_ended(kind, listener, outcome.replace(" ", "_"), reason, seconds, last=last)


def _tell(  # noqa: PLR0917 - in the order of the line
    level: str | None,
    fields: dict[str, Field],
    listener: str | None,
    outcome: str,
    attempt: int,
    seconds: float,
    told: dict[str, Field],
    kept: Mapping[str, str],
) -> None:
    fields |= {
        "listener": listener,
        "outcome": outcome,
        "attempt": attempt,
        "duration_ms": round(seconds * 1000, 1),
        "request_id": kept.get(REQUEST_ID),
        **told,
    }
    lines.ended(level, fields)
