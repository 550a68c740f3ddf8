"""Counters, gauges and histograms that cost a fraction of a microsecond a record.

Those of OpenTelemetry's SDK take 5 to 8 us a record, and a delivery makes eight records: a tenth of its whole CPU time
(docs/decisions/0020). These hold plain numbers; page.py exports them to Prometheus, otlp.py to a collector.
Only the event loop's thread may record; other threads may read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

Labels = tuple[str, ...]

# The bound on label values, so that a defect cannot fill the memory: further values count under `other`.
MOST_SERIES = 1_000
OTHER = "other"

# OpenTelemetry's units, and the suffixes that Prometheus' conventions want for them.
SUFFIXES = {"s": "_seconds", "By": "_bytes"}


class Instrument:
    """What all instruments have: OpenTelemetry's name and unit, the Prometheus name made of them, and label names."""

    kind: str

    def __init__(self, name: str, unit: str, description: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self.unit = unit
        self.description = description
        self.labels = tuple(labels)
        self.prometheus_name = name.replace(".", "_") + SUFFIXES.get(unit, "")


class Counter(Instrument):
    """A count that only grows.

    `known`: label values that exist from the start with 0, so that Prometheus sees their first increase.
    """

    kind = "counter"

    def __init__(
        self, name: str, unit: str, description: str, labels: Sequence[str] = (), known: Iterable[Labels] = ()
    ) -> None:
        super().__init__(name, unit, description, labels)
        self._series: dict[Labels, float] = dict.fromkeys(known, 0.0) if labels else {(): 0.0}

    def add(self, *labels: str, amount: float = 1) -> None:
        """Adds to a series. `labels`: its label values, in the order of the label names."""
        try:
            self._series[labels] += amount
        except KeyError:
            key = labels if len(self._series) < MOST_SERIES else (OTHER,) * len(self.labels)
            self._series[key] = self._series.get(key, 0.0) + amount

    def value(self, *labels: str) -> float:
        """The count for these label values."""
        return self._series.get(labels, 0.0)

    def read(self) -> list[tuple[Labels, float]]:
        """Every series with its value."""
        return list(self._series.items())


class Gauge(Instrument):
    """A current value, which is computed when it is read. While it is unknown, it is not exported."""

    kind = "gauge"

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
        """The number of values."""
        return sum(self.counts)

    @property
    def cumulative(self) -> list[int]:
        """For each bound, how many values were at most that large, as Prometheus wants them."""
        return list(accumulate(self.counts))


class Histogram(Instrument):
    """Counts values by size. `bounds`: the upper bound of each bucket but the last, which has none."""

    kind = "histogram"

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

    def record(self, value: float, *labels: str) -> None:
        """Records a value. `labels`: label values in the order of the label names."""
        buckets = self._series.get(labels)
        if buckets is None:
            buckets = self._add(labels)
        buckets.counts[bisect_left(self.bounds, value)] += 1
        buckets.sum += value

    def value(self, *labels: str) -> Buckets:
        """What was recorded for these label values."""
        return self._series.get(labels) or Buckets(len(self.bounds) + 1)

    def read(self) -> list[tuple[Labels, Buckets]]:
        """Every series with its value."""
        return list(self._series.items())

    def _add(self, labels: Labels) -> Buckets:
        key = labels if len(self._series) < MOST_SERIES else (OTHER,) * len(self.labels)
        return self._series.setdefault(key, Buckets(len(self.bounds) + 1))
