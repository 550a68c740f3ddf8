"""Counters, gauges and histograms as the app records them: plain numbers, which OpenTelemetry's SDK collects.

A record of the SDK's own synchronous instruments takes 7 us and more, and a delivery makes about ten; here it takes
0.2 us. `meters.py` registers every instrument with the SDK, which asks for the numbers at each collection
(docs/decisions/0105). Only the event loop's thread may record; other threads may read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from anchorbolt.telemetry.traced import is_traced

Labels = tuple[str, ...]

# The bound on label values, so that a defect cannot fill the memory: further values count under `other`.
MOST_SERIES = 1_000
OTHER = "other"


class Instrument:
    """What all instruments have: a name, a unit and label names."""

    def __init__(self, name: str, unit: str, description: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self.unit = unit
        self.description = description
        self.labels = tuple(labels)


class Count:
    """The count of one series, in an object that is changed: to add takes one look into the mapping of series."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class Counter(Instrument):
    """A count that only grows.

    `known`: label values that exist from the start with 0, so that Prometheus sees their first increase.
    """

    def __init__(
        self, name: str, unit: str, description: str, labels: Sequence[str] = (), known: Iterable[Labels] = ()
    ) -> None:
        super().__init__(name, unit, description, labels)
        self._series: dict[Labels, Count] = {key: Count() for key in (known if labels else [()])}

    def add(self, *labels: str, amount: float = 1) -> None:
        """Adds to a series. `labels`: its label values, in the order of the label names."""
        count = self._series.get(labels)
        if count is None:
            labels = labels if len(self._series) < MOST_SERIES else (OTHER,) * len(self.labels)
            count = self._series.setdefault(labels, Count())
        count.value += amount

    def value(self, *labels: str) -> float:
        """The count for these label values."""
        count = self._series.get(labels)
        return count.value if count is not None else 0.0

    def read(self) -> list[tuple[Labels, float]]:
        """Every series with its value."""
        return [(labels, count.value) for labels, count in list(self._series.items())]


class Gauge(Instrument):
    """A current value, which is computed when it is read. While it is unknown, it is not exported."""

    def __init__(self, name: str, unit: str, description: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, unit, description, labels)
        self._ask: Callable[[], float | Mapping[Labels, float] | None] = lambda: None

    def observe(self, ask: Callable[[], float | Mapping[Labels, float] | None]) -> None:
        """`ask` returns the value, by labels if it has some, or None while it is not known."""
        self._ask = ask

    def read(self) -> list[tuple[Labels, float]]:
        """Every series with its value."""
        found = self._ask()
        if found is None:
            return []
        by_label = found if isinstance(found, Mapping) else {(): found}
        return [(labels, float(value)) for labels, value in by_label.items()]


class Buckets:
    """One series of a histogram: how many values fell into each bucket, and their sum."""

    __slots__ = ("counts", "sum")

    def __init__(self, size: int) -> None:
        self.counts = [0] * size
        self.sum = 0.0

    @property
    def count(self) -> int:
        """How many values were recorded, in all buckets."""
        return sum(self.counts)


class Histogram(Instrument):
    """Counts values by size. `bounds`: the upper bound of each bucket but the last, which has none."""

    def __init__(
        self,
        name: str,
        unit: str,
        description: str,
        labels: Sequence[str] = (),
        *,
        bounds: Sequence[float],
        known: Iterable[Labels] = (),
    ) -> None:
        super().__init__(name, unit, description, labels)
        self.bounds = tuple(float(bound) for bound in bounds)
        size = len(self.bounds) + 1
        self._series: dict[Labels, Buckets] = {key: Buckets(size) for key in (known if labels else [()])}
        # Called with each value of a traced delivery, its labels and the number of its bucket.
        self.on_traced: Callable[[float, Labels, int], None] | None = None

    def record(self, value: float, *labels: str) -> None:
        """Records a value. `labels`: label values in the order of the label names."""
        buckets = self._series.get(labels)
        if buckets is None:
            labels = labels if len(self._series) < MOST_SERIES else (OTHER,) * len(self.labels)
            buckets = self._series.setdefault(labels, Buckets(len(self.bounds) + 1))
        bucket = bisect_left(self.bounds, value)
        buckets.counts[bucket] += 1
        buckets.sum += value
        if self.on_traced is not None and is_traced():
            self.on_traced(value, labels, bucket)

    def value(self, *labels: str) -> Buckets:
        """What was recorded for these label values."""
        return self._series.get(labels) or Buckets(len(self.bounds) + 1)

    def read(self) -> list[tuple[Labels, Buckets]]:
        """Every series with its value."""
        return list(self._series.items())
