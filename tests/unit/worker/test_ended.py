"""The end of a delivery is told in one way, whichever transport it arrived by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery, Kind
from anchorbolt.inbox.lease import Stored
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.delivery_lines import MOST_A_SECOND, lines
from anchorbolt.worker.ended import HANDED_BACK, stored_ended, unstored_ended
from structlog.testing import capture_logs

COMMAND = Delivery(Kind.COMMAND, "/x", "command:1", "C1", "=command:1", "", "", {})


def stored(key: str = "A:Ev1") -> Stored:
    """A delivery as the inbox has it."""
    return Stored(1, key, "event", "application/json", "{}", None, None, "T1", "C1", 0.0, 2, 0, None)


def told(outcome: str, *, error: Exception | None = None, is_stored: bool = True) -> dict[str, Any]:
    """The one line that is written."""
    run = Run(COMMAND, Attempt(COMMAND.key, COMMAND.kind), ack_by=1)
    run.listener, run.error = "commands.x", error
    with capture_logs() as found:
        if is_stored:
            stored_ended(stored(), run, outcome, str(error) if error else None, 1.5)
        else:
            unstored_ended(run, outcome, 1.5)
    (line,) = found
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


def test_what_the_line_says() -> None:
    """Each field of a failure has what it says: no other field's, and nothing left out."""
    arrived = replace(COMMAND, workspace="T2", conversation="C2", headers={"x-request-id": "req-7"})
    run = Run(arrived, Attempt(COMMAND.key, COMMAND.kind), ack_by=1)
    run.listener, run.error = "commands.x", ValueError("what")
    with capture_logs() as found:
        stored_ended(
            replace(stored(), conversation="C9"), run, "failed", "ValueError: what", 1.5, "error", lane="the lane"
        )
        unstored_ended(run, "failed", 0.25)
    common = {"log_level": "warning", "event": "delivery ended", "listener": "commands.x", "outcome": "failed"}
    common |= {"error": "ValueError: what", "request_id": "req-7"}
    assert found == [
        {
            **common,
            **{"key": "A:Ev1", "kind": "event", "team": "T1", "conversation": "C9", "lane": "the lane"},
            **{"attempt": 2, "duration_ms": 1500.0, "reason": "error"},
        },
        {
            **common,
            **{"key": "command:1", "kind": "command", "team": "T2", "conversation": "C2", "lane": "=command:1"},
            **{"attempt": 1, "duration_ms": 250.0, "reason": "listener_failed", "stored": False},
        },
    ]


def test_what_slack_was_told_is_the_reason() -> None:
    """The word that Slack was told of a failure that is stored nowhere is in the line, and counted."""
    run = Run(COMMAND, Attempt(COMMAND.key, COMMAND.kind), ack_by=1)
    run.reason = "ack_timeout"
    before = metrics.failures.value("command", "ack_timeout")
    with capture_logs() as found:
        unstored_ended(run, "failed", 0.25)
    assert [line["reason"] for line in found] == ["ack_timeout"]
    assert metrics.failures.value("command", "ack_timeout") == before + 1


def test_how_long_each_listener_takes_is_counted() -> None:
    """By its name, and under `none` where no run began; an outcome of two words has one label."""
    run = Run(COMMAND, Attempt(COMMAND.key, COMMAND.kind), ack_by=1)
    run.listener = "commands.counted"
    unstored_ended(run, "done", 2.0)
    assert metrics.attempt_duration.value("commands.counted").sum == 2.0
    before = metrics.attempts.value("event", "handed_back"), metrics.attempt_duration.value("none").count
    stored_ended(stored(), None, "handed back", None, 0.5)
    after = metrics.attempts.value("event", "handed_back"), metrics.attempt_duration.value("none").count
    assert after == (before[0] + 1, before[1] + 1)


def test_what_was_cut_short_is_always_named() -> None:
    """A drain hands back many at once, and each line of these is written; of those that never began some are."""
    run = Run(COMMAND, Attempt(COMMAND.key, COMMAND.kind), ack_by=1)
    lines.configure("all", level="INFO")
    try:
        with capture_logs() as written:
            for _ in range(2 * MOST_A_SECOND):
                stored_ended(stored(), run, HANDED_BACK, None, 1.5)
            named = len(written)
            for _ in range(2 * MOST_A_SECOND):
                stored_ended(stored(), None, HANDED_BACK, None, 0.0)
    finally:
        lines.configure("all", level="DEBUG")
    assert named == 2 * MOST_A_SECOND
    assert len(written) - named < 2 * MOST_A_SECOND


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
    with capture_logs() as found:
        stored_ended(known, None, "held", "the listener events.mention is held", 0.0)
    assert [line["listener"] for line in found] == ["events.mention"]
