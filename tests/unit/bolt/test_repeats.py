"""The same error is counted a minute long, and the memory of errors is bounded."""

from __future__ import annotations

from anchorbolt.bolt.repeats import MOST_ERRORS, PERIOD_SECONDS, Repeats


def test_a_minute_begins_with_its_first_error() -> None:
    """Each error is counted for itself; when its minute is over, the count begins again."""
    now = 10.0
    repeats = Repeats(lambda: now)
    assert [repeats.count("a"), repeats.count("a"), repeats.count("b")] == [1, 2, 1]
    now += PERIOD_SECONDS - 1
    assert repeats.count("a") == 3
    now += 1
    assert repeats.count("a") == 1


def test_the_memory_of_errors_is_bounded() -> None:
    """Of very many different errors the one that came last longest ago is forgotten."""
    repeats = Repeats(lambda: 0.0)
    repeats.count("first")
    for number in range(MOST_ERRORS):
        repeats.count(number)
    assert len(repeats._seen) == MOST_ERRORS
    assert repeats.count("first") == 1
