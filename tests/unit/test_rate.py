"""A rate lets so much pass in each second."""

from __future__ import annotations

from anchorbolt.rate import Rate


def test_a_rate_begins_anew_each_second() -> None:
    """What was too much in one second is not counted in the next."""
    rate = Rate(2)
    assert [rate.take(5.0) for _ in range(4)] == [True, True, False, False]
    assert rate.take(6.0)
