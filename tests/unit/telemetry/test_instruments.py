"""Instruments count what they are told, and no label makes them grow without end."""

from __future__ import annotations

from anchorbolt.telemetry.instruments import MOST_SERIES, OTHER, Counter, Gauge, Histogram


class TestCounter:
    """A counter only grows, a series for each set of labels."""

    def test_it_counts_by_label(self) -> None:
        """What is added under one label is not added under another."""
        counter = Counter("x", "1", "", ("a", "b"))
        counter.add("1", "2")
        counter.add("1", "2", amount=2)
        counter.add("1", "3")
        assert counter.read() == [(("1", "2"), 3.0), (("1", "3"), 1.0)]

    def test_what_is_known_is_there_from_the_start(self) -> None:
        """A known series is shown as 0 before anything happened, so that its first increase can be seen."""
        assert Counter("x", "1", "").read() == [((), 0.0)]
        assert Counter("x", "1", "", ("a",), known=[("1",)]).read() == [(("1",), 0.0)]

    def test_a_label_that_grows_ends_at_a_bound(self) -> None:
        """Beyond the bound all that is new counts as one series, and nothing is lost from the sum."""
        counter = Counter("x", "1", "", ("a",))
        for number in range(MOST_SERIES + 50):
            counter.add(str(number))
        counter.add("0")
        assert len(counter.read()) == MOST_SERIES + 1
        assert counter.value(OTHER) == 50
        assert counter.value("0") == 2


class TestHistogram:
    """A histogram counts values by the bucket that they fall into."""

    def test_a_value_at_a_bound_is_below_it(self) -> None:
        """Prometheus' buckets include their upper end, and the last one takes the rest."""
        histogram = Histogram("x", "s", "", bounds=(1, 2))
        for value in (0.5, 1, 1.5, 2, 3):
            histogram.record(value)
        assert histogram.value().counts == [2, 2, 1]
        assert histogram.value().sum == 8
        assert histogram.value().count == 5

    def test_a_label_that_grows_ends_at_a_bound(self) -> None:
        """Beyond the bound all that is new counts as one series."""
        histogram = Histogram("x", "s", "", ("a",), bounds=(1,))
        for number in range(MOST_SERIES + 50):
            histogram.record(0, str(number))
        assert len(histogram.read()) == MOST_SERIES + 1
        assert histogram.value(OTHER).count == 50


def test_a_gauge_that_nobody_knows_is_not_shown() -> None:
    """A value that is not known is missing, not 0."""
    gauge = Gauge("x", "1", "")
    assert gauge.read() == []
    gauge.observe(lambda: 0)
    assert gauge.read() == [((), 0)]
    gauge.observe(lambda: {("a",): 1.0})
    assert gauge.read() == [(("a",), 1.0)]
