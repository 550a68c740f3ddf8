"""The log says what was raised and where, and shows a traceback once a delivery."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from anchorbolt.bolt import raised
from anchorbolt.bolt.raised import log_raised, redacted_traceback
from anchorbolt.bolt.repeats import MOST_IN_FULL, Repeats
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def nothing_logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has logged nothing yet, at INFO, whatever another test has configured."""
    raised._logged.clear()
    monkeypatch.setattr(raised, "_repeats", Repeats(lambda: 0.0))
    logger = logging.getLogger("anchorbolt.bolt")
    level = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(level)


def failing(text: str) -> Exception:
    """An error that was raised here."""
    error: Exception | None = None
    try:
        raise ValueError(text)
    except ValueError as raised_error:
        error = raised_error
    return error


def failing_elsewhere() -> Exception:
    """An error of the same class from another line, which quotes a trigger_id."""
    found: Exception | None = None
    try:
        raise ValueError("while 1234567890.123456789.abcdef012345 was used")
    except ValueError as error:
        found = error
    return found


def logged(error: Exception, attempt: int, key: str = "A:1") -> dict[str, Any]:
    """The line about it."""
    with capture_logs() as lines:
        log_raised("listener raised", error, key=key, attempt=attempt)
    return dict(lines[0])


def test_the_traceback_is_logged_once_a_delivery() -> None:
    """Later attempts that fail at the same place name the attempt that has the traceback, and say what was raised."""
    first, second, third = (logged(failing(f"of attempt {attempt}"), attempt) for attempt in (1, 2, 3))
    assert "in failing" in first["traceback"]
    for line, attempt in ((second, 2), (third, 3)):
        assert "traceback" not in line
        assert line["traceback_at_attempt"] == 1
        assert line["error"] == f"ValueError: of attempt {attempt}"
        assert line["where"].endswith("in failing")
    assert "traceback" in logged(failing("x"), 1, key="A:2")


def test_a_traceback_that_changes_is_logged_again() -> None:
    """Another place is another traceback."""
    logged(failing("x"), 1)
    assert "in failing_elsewhere" in logged(failing_elsewhere(), 2)["traceback"]
    assert "traceback" in logged(failing("x"), 3)


def test_what_is_no_delivery_has_its_traceback() -> None:
    """A line without a key shows it each time."""
    for _ in range(2):
        with capture_logs() as lines:
            log_raised("middleware raised", failing("x"))
        assert "traceback" in lines[0]


def test_a_flood_of_one_error_has_few_tracebacks() -> None:
    """Of one error that many deliveries meet, the first few of a minute are written in full; the rest say how many."""
    error = failing("x")
    lines = [logged(error, 1, key=f"A:{number}") for number in range(MOST_IN_FULL + 2)]
    assert ["traceback" in line for line in lines] == [True] * MOST_IN_FULL + [False] * 2
    assert [line["same_error_this_minute"] for line in lines[MOST_IN_FULL:]] == [MOST_IN_FULL + 1, MOST_IN_FULL + 2]
    assert all(line["error"] == "ValueError: x" and line["where"] for line in lines)
    assert "traceback" in logged(failing_elsewhere(), 1, key="A:other")


def test_at_debug_every_delivery_has_its_traceback() -> None:
    """Who develops sees each of them."""
    logging.getLogger("anchorbolt.bolt").setLevel(logging.DEBUG)
    error = failing("x")
    assert all("traceback" in logged(error, 1, key=f"A:{number}") for number in range(MOST_IN_FULL + 2))


def test_the_memory_is_bounded() -> None:
    """A process that logs many deliveries forgets the oldest."""
    logging.getLogger("anchorbolt.bolt").setLevel(logging.DEBUG)  # each with its traceback
    error = failing("x")
    for number in range(raised.MOST_DELIVERIES + 10):
        logged(error, 1, key=f"A:{number}")
    assert len(raised._logged) == raised.MOST_DELIVERIES


def test_a_traceback_has_no_secret_and_says_what_happened() -> None:
    """Text and lines of the source are redacted, and the rest stays."""
    text = redacted_traceback(failing_elsewhere())
    assert "1234567890" not in text
    assert text.endswith("ValueError: while (redacted) was used\n")


def test_a_traceback_begins_with_the_teams_code() -> None:
    """What called a listener is ours and Bolt's, and would be the same in every traceback. What it called stays."""

    def listener(_: object) -> None:
        json.loads("{")

    with pytest.raises(ValueError, match="Expecting") as found:
        json.dumps(object(), default=listener)  # a library that calls the team
    error = found.value
    assert error.__traceback__ is not None
    called = redacted_traceback(error.with_traceback(error.__traceback__.tb_next))  # without this test's own frame
    assert called.splitlines()[1].endswith("in listener")
    assert "json/decoder.py" in called


def test_an_endless_traceback_is_cut() -> None:
    """A line of the log has a bound, and its end still says what was raised."""
    text = ""
    try:
        raise ExceptionGroup("many", [failing("y" * 2000) for _ in range(20)])
    except ExceptionGroup as error:
        text = redacted_traceback(error)
    assert len(text) <= raised.MOST_CHARACTERS
    assert "many" in text
