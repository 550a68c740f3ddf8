"""That requests are refused is said in the log: soon, seldom, and with what to do about it."""

from __future__ import annotations

from typing import Any

from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.refusals import ADVICE, EVERY_SECONDS, Refusals
from structlog.testing import capture_logs


class Clock:
    """Goes on when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def refuse(word: str, times: int = 1) -> None:
    """As intake counts it."""
    for _ in range(times):
        metrics.refused.add(word)


def lines_of(refusals: Refusals) -> list[Any]:
    """What one look says."""
    with capture_logs() as lines:
        refusals.turn()
    return lines


def test_a_wrong_secret_is_said_at_once() -> None:
    """The first refusal is said at the next look, with its reason, what to do, and how many were answered well."""
    clock = Clock()
    refusals = Refusals(clock)
    assert lines_of(refusals) == []
    refuse("bad_signature", 3)
    metrics.answered("event", 200, 0.1)
    clock.now += 2
    (line,) = lines_of(refusals)
    assert (line["event"], line["log_level"]) == ("requests refused", "warning")
    assert (line["refused"], line["by_reason"], line["answered"]) == (3, {"bad_signature": 3}, 1)
    assert line["within_seconds"] == 2
    assert "SLACK_SIGNING_SECRET" in line["advice"]


def test_it_is_said_once_a_minute() -> None:
    """However many are refused, there is a line a minute, with those of that minute by reason."""
    clock = Clock()
    refusals = Refusals(clock)
    refuse("bad_signature")
    assert len(lines_of(refusals)) == 1
    for _ in range(59):
        clock.now += 1
        refuse("bad_signature", 5)
        assert lines_of(refusals) == []
    refuse("overloaded", 7)
    clock.now += 1
    (line,) = lines_of(refusals)
    assert line["by_reason"] == {"bad_signature": 295, "overloaded": 7}
    assert line["within_seconds"] == EVERY_SECONDS
    # Nothing more was refused: nothing more is said.
    clock.now += EVERY_SECONDS
    assert lines_of(refusals) == []


def test_after_a_quiet_hour_the_time_is_that_of_the_last_minute() -> None:
    """The counts are of a minute at most, not of the whole time since the last line."""
    clock = Clock()
    refusals = Refusals(clock)
    for _ in range(3600):
        clock.now += 1
        refusals.turn()
    refuse("overloaded")
    clock.now += 1
    (line,) = lines_of(refusals)
    assert line["within_seconds"] <= EVERY_SECONDS


def test_a_drain_is_no_news() -> None:
    """What a draining pod refuses, and what has a line of its own, is not said here; all that is said is counted."""
    refusals = Refusals(Clock())
    for word in ("draining", "internal_error", "store_unavailable", "ack_timeout", "bad_json"):
        refuse(word)
    assert lines_of(refusals) == []
    assert set(ADVICE) <= set(metrics.REFUSALS)
