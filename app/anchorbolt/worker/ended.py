"""Reports the end of a run: to the metrics, to its trace, and in the log line `delivery ended`."""

from __future__ import annotations

from anchorbolt.bolt.run import Run
from anchorbolt.inbox.lease import Stored
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.worker.verdict import describe

log = get_logger("worker")

# Log levels of the outcomes that are not as they should be; all others are debug.
LEVELS = {"dead": "error", "failed": "warning", "lost": "warning", "cancelled": "warning"}


def stored_ended(  # noqa: PLR0917 - in the order of the line
    stored: Stored, run: Run | None, outcome: str, error: str | None, seconds: float, reason: str | None = None
) -> None:
    """Reports the end of a stored run. `run`: None where none began. `lost`: another process has taken it over."""
    told: dict[str, object] = {"reason": reason} if reason else {}
    if error:
        told["error"] = error
    _tell(LEVELS.get(outcome, "debug"), stored.key, stored.kind, run, outcome, stored.attempts, seconds, told)


def unstored_ended(run: Run, outcome: str, seconds: float) -> None:
    """Reports the end of a run that is not stored. `lost`: it was cut short, and nobody goes on with it."""
    level = "error" if outcome == "lost" else LEVELS.get(outcome, "debug")
    told: dict[str, object] = {"stored": False}
    if outcome == "failed":
        told["reason"] = run.reason or "listener_failed"
    if run.error is not None:
        told["error"] = describe(run.error)
    delivery = run.delivery
    _tell(level, delivery.key, delivery.kind.value, run, outcome, run.attempt.attempt, seconds, told, last=True)


def _tell(  # noqa: PLR0917 - in the order of the line
    level: str,
    key: str,
    kind: str,
    run: Run | None,
    outcome: str,
    attempt: int,
    seconds: float,
    told: dict[str, object],
    *,
    last: bool = False,
) -> None:
    listener = run.listener if run is not None else None
    if run is not None:
        run.over(outcome)
    reason = told.get("reason")
    word = str(reason) if reason is not None else None
    metrics.run_ended(kind, listener, outcome.replace(" ", "_"), word, seconds, last=last)
    # Whoever looks for a delivery looks for this line, and `make run` reads it.
    getattr(log, level)(
        "delivery ended",
        key=key,
        kind=kind,
        listener=listener,
        outcome=outcome,
        attempt=attempt,
        duration_ms=round(seconds * 1000, 1),
        **told,
    )
