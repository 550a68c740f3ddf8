"""The tables of fields in docs/operations/logs.md say what the lines of deliveries and of failures have."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from anchorbolt.bolt import raised
from anchorbolt.bolt.raised import log_raised
from anchorbolt.bolt.repeats import MOST_IN_FULL, Repeats
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery, Kind
from anchorbolt.delivery.headers import RETRY_NUM
from anchorbolt.delivery.log_fields import failure_fields
from anchorbolt.inbox.lease import Stored
from anchorbolt.intake.arrival import log_arrival
from anchorbolt.worker.ended import stored_ended, unstored_ended
from structlog.testing import capture_logs

PAGE = Path(__file__).parents[3] / "docs/operations/logs.md"
ROW = re.compile(r"^\| `(\w+)` \| (yes|-) \| (yes|-) \|", re.MULTILINE)


@pytest.fixture(autouse=True)
def at_info(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has logged nothing yet, and leaves tracebacks out."""
    monkeypatch.setattr(raised, "_repeats", Repeats(lambda: 0.0))
    raised._logged.clear()
    logger = logging.getLogger("anchorbolt.bolt")
    level = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(level)


def team_error() -> Exception:
    """An error that was raised here, always at the same line."""
    try:
        raise ValueError
    except ValueError as error:
        return error


def documented(column: int) -> set[str]:
    """The fields that the page has for arrivals (1) or ends (2)."""
    return {row[0] for row in ROW.findall(PAGE.read_text()) if row[column] == "yes"}


def test_the_page_has_the_fields_of_failures() -> None:
    """Every field that a line about a failure can have is in its table, and no other."""
    delivery = Delivery(Kind.COMMAND, "/x", "command:1", "C1", "=command:1", "", "", {})
    with capture_logs() as lines:
        for attempt in (1, 2):
            log_raised("listener raised", team_error(), listener="x", attempt=attempt, **failure_fields(delivery))
        for number in range(MOST_IN_FULL + 1):
            log_raised("listener raised", team_error(), key=f"command:{number + 2}")
    section = PAGE.read_text().split("## What a listener raised")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert {name for line in lines for name in line} - {"event", "log_level"} == named


def test_the_page_has_the_fields_of_the_lines() -> None:
    """Every field that an arrival or an end can have is in the table, and no other."""
    delivery = Delivery(Kind.COMMAND, "/x", "command:1", "C1", "=command:1", "", "", {}, {RETRY_NUM: "1"})
    run = Run(delivery, Attempt(delivery.key, delivery.kind))
    run.error, run.reason = ValueError(), "no_ack"
    stored = Stored(1, "T:E", "event", "application/json", "{}", None, None, "T1", "C1", 0.0, 1, 0, None)
    with capture_logs() as lines:
        log_arrival(delivery)
        stored_ended(stored, None, "dead", "what", 1.0, "error", lane="T1:C1")
        unstored_ended(run, "failed", 1.0)
    written: dict[str, set[str]] = {}
    for line in lines:
        written.setdefault(line["event"], set()).update(set(line) - {"event", "log_level"})
    assert written["delivery arrived"] == documented(1)
    assert written["delivery ended"] == documented(2)
