"""The line that the history of a delivery keeps of an attempt: `anchorbolt inbox show` prints it."""

from __future__ import annotations

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Delivery, Kind
from anchorbolt.inbox.history import Past, read
from anchorbolt.inbox.lease import End
from anchorbolt.worker.record import MOST_OF_ERROR, MOST_OF_TRACEBACK, record
from anchorbolt.worker.verdict import Reason, Verdict

from tests.unit.worker.conftest import stored

COMMAND = Delivery(Kind.COMMAND, "/x", "command:1", "C1", "=command:1", "", "", {})


def begun(error: Exception | None = None) -> Run:
    """A run of a listener, which ended with this error."""
    run = Run(COMMAND, Attempt(COMMAND.key, COMMAND.kind), ack_by=1)
    run.listener, run.error = "commands.x", error
    return run


def raised(words: str) -> Exception:
    """An error with a traceback."""
    try:
        raise ValueError(words)
    except ValueError as error:
        return error


def kept(run: Run | None, verdict: Verdict) -> Past | None:
    """What is kept of an attempt of pod-7 that took one and a third seconds, until the second 1000."""
    line = record(stored(1), run, verdict, "pod-7", 4 / 3, clock=lambda: 1000.0)
    if line is None:
        return None
    (past,) = read(line)
    return past


def test_what_is_kept_of_an_attempt() -> None:
    """Which it was, what ran where, when it began, how long it took, and what it ended with."""
    past = kept(begun(raised("what")), Verdict(End.RETRY, "ValueError: what", 5.0, Reason.ERROR))
    assert past is not None
    assert past.traceback is not None
    assert past.traceback.endswith("ValueError: what\n")
    assert past == Past(
        attempt=1,
        listener="commands.x",
        pod="pod-7",
        started_at=1000 - 4 / 3,
        seconds=1.333,
        outcome="retry",
        reason="error",
        error="ValueError: what",
        traceback=past.traceback,
    )


def test_an_attempt_without_a_run_has_no_listener() -> None:
    """What was buried before it could run says why, and has no traceback."""
    past = kept(None, Verdict(End.DEAD, "the stored body cannot be read", reason=Reason.UNREADABLE))
    assert past is not None
    assert (past.listener, past.outcome, past.reason, past.traceback) == (None, "dead", "unreadable", None)
    assert past.error == "the stored body cannot be read"


def test_long_texts_are_cut() -> None:
    """An error at its end, a traceback at its beginning: the last lines tell most."""
    past = kept(begun(raised("y" * 2 * MOST_OF_TRACEBACK)), Verdict(End.RETRY, "z" * 2 * MOST_OF_ERROR))
    assert past is not None
    assert past.error is not None
    assert past.traceback is not None
    assert past.error == "z" * MOST_OF_ERROR
    assert past.traceback == "y" * (MOST_OF_TRACEBACK - 1) + "\n"


@pytest.mark.parametrize("end", [End.DONE, End.HELD])
def test_what_is_no_failure_leaves_no_line(end: End) -> None:
    """What is done is erased, and what did not begin was no attempt."""
    assert kept(begun(), Verdict(end)) is None
    assert kept(None, Verdict(End.HANDED_BACK)) is None


def test_what_a_drain_cut_short_leaves_a_line() -> None:
    """It may have done a part of its work."""
    past = kept(begun(), Verdict(End.HANDED_BACK))
    assert past is not None
    assert (past.outcome, past.error, past.traceback) == ("handed back", None, None)
