"""The master's lines look like those of the worker."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from anchorbolt.telemetry import logs
from anchorbolt.telemetry.lines import JsonLine


def record(message: str, *values: object, level: int = logging.INFO) -> logging.LogRecord:
    """A line of gunicorn's, with the exception that is being handled, if there is one."""
    raised: Any = sys.exc_info() if sys.exc_info()[0] else None
    return logging.LogRecord("gunicorn.error", level, __file__, 1, message, values, raised)


def both(make: Any) -> list[dict[str, Any]]:
    """The line as master and worker write it, without its time; in order, because a person reads it, too."""
    written = []
    for formatter in (JsonLine(), logs.formatter(as_json=True)):
        line = json.loads(formatter.format(make()))
        assert line["timestamp"].endswith("Z")
        written.append(line | {"timestamp": ""})
    assert list(written[0]) == list(written[1])
    return written


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING, logging.CRITICAL])
def test_a_line_has_one_form(level: int) -> None:
    """Whoever writes it: the same fields in the same order."""
    master, worker = both(lambda: record('Worker (pid:%s) was sent %s! "ä"', 7, "SIGKILL", level=level))
    assert master == worker
    assert master["event"] == 'Worker (pid:7) was sent SIGKILL! "ä"'


def test_an_exception_has_one_form() -> None:
    """A traceback is a field of its line."""
    try:
        raise ValueError("of no use")
    except ValueError:
        master, worker = both(lambda: record("Unhandled exception in main loop", level=logging.ERROR))
    assert master == worker
    assert "ValueError: of no use" in master["exception"]


def test_secrets_are_redacted() -> None:
    """The master knows no secret, and would not write one."""
    master, worker = both(lambda: record("it was %s", "xoxb-12-34-abc"))
    assert master == worker
    assert master["event"] == "it was (redacted)"
