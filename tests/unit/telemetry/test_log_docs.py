"""The table of fields in docs/operations/logs.md says what the lines of deliveries have."""

from __future__ import annotations

import re
from pathlib import Path

from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery, Kind
from anchorbolt.inbox.lease import Stored
from anchorbolt.intake.arrival import log_arrival
from anchorbolt.worker.ended import stored_ended, unstored_ended
from structlog.testing import capture_logs

PAGE = Path(__file__).parents[3] / "docs/operations/logs.md"
ROW = re.compile(r"^\| `(\w+)` \| (yes|-) \| (yes|-) \|", re.MULTILINE)


def documented(column: int) -> set[str]:
    """The fields that the page has for arrivals (1) or ends (2)."""
    return {row[0] for row in ROW.findall(PAGE.read_text()) if row[column] == "yes"}


def test_the_page_has_the_fields_of_the_lines() -> None:
    """Every field that an arrival or an end can have is in the table, and no other."""
    delivery = Delivery(Kind.COMMAND, "/x", "command:1", "C1", "=command:1", "", "", {})
    run = Run(delivery, Attempt(delivery.key, delivery.kind))
    run.error, run.reason = ValueError(), "no_ack"
    stored = Stored(1, "T:E", "event", "application/json", "{}", None, None, "T1", "C1", 0.0, 1, 0, None)
    with capture_logs() as lines:
        log_arrival(delivery, "1")
        stored_ended(stored, None, "dead", "what", 1.0, "error", lane="T1:C1")
        unstored_ended(run, "failed", 1.0)
    written: dict[str, set[str]] = {}
    for line in lines:
        written.setdefault(line["event"], set()).update(set(line) - {"event", "log_level"})
    assert written["delivery arrived"] == documented(1)
    assert written["delivery ended"] == documented(2)
