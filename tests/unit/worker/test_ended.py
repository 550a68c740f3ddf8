"""The end of a delivery is told in one way, whichever transport it arrived by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery, Kind
from anchorbolt.inbox.lease import Stored
from anchorbolt.telemetry import metrics
from anchorbolt.worker.ended import stored_ended, unstored_ended
from structlog.testing import capture_logs

COMMAND = Delivery(Kind.COMMAND, "/x", "command:1", "C1", "=command:1", "", "", {})


def stored(key: str = "A:Ev1") -> Stored:
    """A delivery as the inbox has it."""
    return Stored(1, key, "event", "application/json", "{}", None, None, "T1", "C1", 0.0, 2, 0, None)


def told(outcome: str, *, error: Exception | None = None, is_stored: bool = True) -> dict[str, Any]:
    """The one line that is written."""
    run = Run(COMMAND, Attempt(COMMAND.key, COMMAND.kind), ack_by=1)
    run.listener, run.error = "commands.x", error
    with capture_logs() as lines:
        if is_stored:
            stored_ended(stored(), run, outcome, str(error) if error else None, 1.5)
        else:
            unstored_ended(run, outcome, 1.5)
    (line,) = lines
    assert line["event"] == "delivery ended"
    return dict(line)


def test_the_line_has_the_same_fields() -> None:
    """Stored or not, the line names the delivery, where it belongs, its listener, its end, and the request."""
    common = {
        "key",
        "kind",
        "team",
        "conversation",
        "lane",
        "listener",
        "outcome",
        "attempt",
        "duration_ms",
        "request_id",
    }
    assert common <= set(told("done")) & set(told("done", is_stored=False))
    line = told("done")
    assert (line["key"], line["kind"], line["attempt"], line["duration_ms"]) == ("A:Ev1", "event", 2, 1500)
    line = told("done", is_stored=False)
    assert (line["key"], line["kind"], line["attempt"], line["stored"]) == (COMMAND.key, "command", 1, False)


def test_an_error_is_described() -> None:
    """Why it failed is in the line, by class and message, also of a command that was stored nowhere."""
    assert told("failed", error=ValueError("what"), is_stored=False)["error"] == "ValueError: what"
    assert "error" not in told("done", is_stored=False)


def test_what_nobody_goes_on_with_is_an_error() -> None:
    """Lost is a warning where another pod has taken it over, and an error where it is stored nowhere."""
    assert told("done")["log_level"] == "info"
    assert told("lost")["log_level"] == "warning"
    assert told("lost", error=ValueError(), is_stored=False)["log_level"] == "error"


def test_what_is_stored_nowhere_ends_with_its_run() -> None:
    """A failed run of a stored delivery is followed by another one; of an unstored one it is the end, and counted."""
    before = metrics.deliveries.value("event", "failed"), metrics.deliveries.value("command", "failed")
    told("failed", error=ValueError())
    told("failed", error=ValueError(), is_stored=False)
    after = metrics.deliveries.value("event", "failed"), metrics.deliveries.value("command", "failed")
    assert (after[0] - before[0], after[1] - before[1]) == (0, 1)


def test_what_is_held_back_names_its_listener() -> None:
    """A delivery that was parked before its dispatch names the listener that an earlier claim has found for it."""
    known = replace(stored(), listener="events.mention")
    with capture_logs() as lines:
        stored_ended(known, None, "held", "the listener events.mention is held", 0.0)
    assert [line["listener"] for line in lines] == ["events.mention"]
