"""Each delivery has its lines, a flood of them is bounded, failures are never left out, and no secret is in a line."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from anchorbolt.telemetry import logs
from anchorbolt.telemetry.delivery_lines import ENDED, MOST_A_SECOND, SAID_SECONDS, DeliveryLines
from anchorbolt.telemetry.quick_line import QuickLine
from structlog.testing import capture_logs


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


def made(which: str = "all", level: str = "INFO") -> tuple[DeliveryLines, Clock]:
    """The lines of a process with these settings."""
    clock = Clock()
    lines = DeliveryLines(which, clock)
    lines.configure(which, level=level)
    return lines, clock


def ended(lines: DeliveryLines, level: str | None = None, times: int = 1) -> list[str]:
    """The levels of the lines that are written of so many ends."""
    with capture_logs() as written:
        for _ in range(times):
            if lines.takes_end(level):
                lines.ended(level, {"key": "T:1"})
    return [str(line["log_level"]) for line in written if line["event"] == ENDED]


def test_above_the_bound_the_rest_of_a_second_is_counted_and_said() -> None:
    """Of a flood, so many lines a second are written; how many were not is said once in so many seconds."""
    lines, clock = made()
    assert len(ended(lines, times=MOST_A_SECOND + 7)) == MOST_A_SECOND
    assert [lines.takes_arrival() for _ in range(MOST_A_SECOND + 3)].count(False) == 3
    clock.now += 1
    assert len(ended(lines)) == 1
    clock.now += SAID_SECONDS
    with capture_logs() as written:
        lines.turn()
        lines.turn()
    assert [(line["event"], line["arrived"], line["ended"]) for line in written] == [
        ("deliveries were not logged", 3, 7)
    ]


def test_failures_are_never_left_out() -> None:
    """However many there are."""
    lines, _ = made()
    assert len(ended(lines, "error", times=3 * MOST_A_SECOND)) == 3 * MOST_A_SECOND


def test_at_debug_nothing_is_left_out() -> None:
    """`make run` and tests see every delivery."""
    lines, _ = made(level="DEBUG")
    assert len(ended(lines, times=3 * MOST_A_SECOND)) == 3 * MOST_A_SECOND


@pytest.mark.parametrize(("which", "good", "bad"), [("all", 1, 1), ("failures", 0, 1), ("none", 0, 0)])
def test_the_setting_says_which_are_logged(which: str, good: int, bad: int) -> None:
    """LOG_DELIVERIES: all of them, only those that failed, or none."""
    lines, _ = made(which)
    assert (len(ended(lines)), len(ended(lines, "warning"))) == (good, bad)
    assert lines.takes_arrival() == bool(good)


@contextmanager
def only_handler() -> Iterator[io.StringIO]:
    """What the process writes. Not a fixture: pytest adds handlers of its own when the test itself begins."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter(as_json=True))
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    try:
        yield written
    finally:
        root.handlers = before
        root.setLevel(level)


def write(**fields: Any) -> bool:
    """Whether the short path took the line."""
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    return QuickLine(handler, "anchorbolt.delivery").write("x", fields)


def test_a_quick_line_is_as_any_other() -> None:
    """The short path writes the same JSON as the long one, but for the time."""
    fields: dict[str, Any] = {"key": "command:1234567.1234567.abcdef", "attempt": 2, "duration_ms": 1.5, "team": None}
    with only_handler() as stream:
        assert write(**fields)
        logging.getLogger("anchorbolt.delivery").info("x", extra=fields)
    quick, other = (json.loads(line) for line in stream.getvalue().splitlines())
    assert quick.pop("timestamp")[-1] == other.pop("timestamp")[-1] == "Z"
    assert quick == other


@pytest.mark.parametrize(
    "fields",
    [
        {"request_id": "xoxb-1234567890-abcdefghijkl"},
        {"key": "xoxb-1234567890-abcdefghijkl"},
        {"conversation": "1234567.1234567.abcdef"},
        {"lane": "https://hooks.slack.com/services/T1/B1/abcdef"},
        {"team": "ü"},
        {"team": "\ud800"},
    ],
)
def test_what_is_not_plain_goes_the_long_way(fields: dict[str, Any]) -> None:
    """A text with a secret in it, or not of ASCII, is not written by the short path but left to redaction."""
    with only_handler() as stream:
        assert not write(**fields)
    assert not stream.getvalue()


def test_a_handler_of_the_team_gets_all_lines() -> None:
    """Where another handler listens, each line goes through logging, which gives it to both."""
    with only_handler():
        assert write(key="T:1")
        logging.getLogger().addHandler(logging.NullHandler())
        assert not write(key="T:1")
