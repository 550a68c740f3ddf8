"""The app's log is understood, whatever is in it."""

from __future__ import annotations

import json

import pytest
from anchorbolt.cli.dev.log_lines import Ended, parse


def line(**fields: object) -> bytes:
    """A line as the app logs it."""
    return json.dumps(fields).encode() + b"\n"


def test_the_end_of_a_delivery_is_read() -> None:
    """A line that tells the end of a delivery gives key, kind, listener, outcome, attempt and time."""
    told = line(
        event="delivery ended", key="A:E", kind="event", listener="x.y", outcome="done", attempt=2, duration_ms=1.5
    )
    assert parse(told).ended == Ended("A:E", "event", "x.y", "done", 2, 1.5)


def test_an_end_without_a_listener_is_read() -> None:
    """Null stands for no listener and no key, and a missing attempt is the first."""
    ended = parse(line(event="delivery ended", key=None, kind="options", listener=None, outcome="unmatched")).ended
    assert ended == Ended(None, "options", None, "unmatched", 1, 0)


def test_any_other_line_ends_nothing() -> None:
    """A line about something else is no end of a delivery."""
    assert parse(line(event="delivery accepted", key="A:E")).ended is None


@pytest.mark.parametrize("level", ["warning", "error", "critical"])
def test_warnings_and_errors_are_loud(level: str) -> None:
    """What a person should see is loud, and reads as level, message and names with values."""
    told = parse(line(event="the disk is full", level=level, path="/var", timestamp="t", logger="l"))
    assert told.is_loud
    assert str(told) == f"[{level}] the disk is full path=/var"


def test_debug_and_info_are_quiet() -> None:
    """What is no warning is not loud."""
    assert not parse(line(event="x", level="info")).is_loud
    assert not parse(line(event="x", level="debug")).is_loud


def test_an_exception_is_shown_below_its_line() -> None:
    """A traceback that the app logged stays readable."""
    for name in ("exception", "traceback"):
        told = parse(line(**{"event": "x", name: "Traceback\n  boom\n", "level": "error", "key": "A:1"}))
        assert str(told) == "[error] x key=A:1\nTraceback\n  boom"


@pytest.mark.parametrize("text", [b"Traceback (most recent):\n", b"[1, 2]\n", b"null\n", b"\xff\xfe\n", b"\n"])
def test_what_is_no_log_line_is_shown_as_it_is(text: bytes) -> None:
    """Anything that is printed past the log is loud, also where it is no UTF-8 or other JSON."""
    told = parse(text)
    assert told.is_loud
    assert told.ended is None
    assert str(told) == text.decode("utf-8", "replace").rstrip()
