"""Hands the values of our histograms to OpenTelemetry's SDK: all new ones of a series at once, at each collection.

The SDK has callbacks for counters and gauges, but none for histograms. So a collection records one `Batch` a series,
which the SDK passes on to the aggregation of each reader like any other value, and the aggregation here adds its
buckets up. Temporality, start times and exemplars stay the SDK's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from opentelemetry.metrics import Histogram as OfApi
from opentelemetry.sdk.metrics._internal.aggregation import _ExplicitBucketHistogramAggregation
from opentelemetry.sdk.metrics._internal.measurement import Measurement
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation

from anchorbolt.telemetry.instruments import Histogram, Labels


class Batch(float):
    """Several values of a series: as a number it is their sum. `counts`: how many of them each bucket has."""

    counts: Sequence[int]

    @classmethod
    def of(cls, total: float, counts: Sequence[int]) -> Batch:
        """Makes a batch of values with this sum."""
        batch = cls(total)
        batch.counts = counts
        return batch


class Batches(ExplicitBucketHistogramAggregation):
    """Tells the SDK to aggregate batches, in the buckets that the instrument has. It is used in a view."""

    def __init__(self) -> None:
        super().__init__(record_min_max=False)

    def _create_aggregation(
        self, instrument: Any, attributes: Any, reservoir_factory: Callable[[type], Any], start_time_unix_nano: int
    ) -> _AddsUp:
        made = super()._create_aggregation(instrument, attributes, reservoir_factory, start_time_unix_nano)
        made.__class__ = _AddsUp  # it has no further state
        return made  # type: ignore[return-value] # it is now


class _AddsUp(_ExplicitBucketHistogramAggregation):
    """The SDK's aggregation of one series for one reader. A single value is an exemplar only: a batch has it too."""

    def aggregate(self, measurement: Measurement, should_sample_exemplar: bool = True) -> None:
        batch = measurement.value
        if not isinstance(batch, Batch):
            self._sample_exemplar(measurement, should_sample_exemplar)
            return
        with self._lock:
            state: Any = self  # the SDK does not say of what types its own are
            counts = state._value or self._get_empty_bucket_counts()
            state._value = [have + more for have, more in zip(counts, batch.counts, strict=True)]
            state._sum += float(batch)

    def collect(self, *args: Any) -> Any:
        point: Any = super().collect(*args)
        # Not known, instead of infinite, which is what the SDK has where it records none.
        return point and replace(point, min=None, max=None)


class Feed:
    """Hands one of our histograms to one meter provider."""

    def __init__(self, ours: Histogram, into: OfApi) -> None:
        self._ours = ours
        self._into = into
        self._handed: dict[Labels, tuple[list[int], float]] = {}
        self._linked: set[tuple[Labels, int]] = set()  # series and bucket

    def link(self) -> None:
        """Links each bucket of a series to a trace: that of its first traced delivery after each collection.

        The SDK keeps one value a bucket, so that to offer it each of them is 40 % of what a trace costs.
        """
        self._ours.on_traced = self._exemplar

    def hand_over(self) -> None:
        """Hands over what was recorded since the last call."""
        self._linked.clear()
        for labels, buckets in self._ours.read():
            counts, total = list(buckets.counts), buckets.sum
            before = self._handed.get(labels)
            if before is None:  # also without a value: a known series is exported as 0 from the start
                before = [0] * len(counts), 0.0
            elif before[0] == counts:
                continue
            self._handed[labels] = counts, total
            new = [now - then for now, then in zip(counts, before[0], strict=True)]
            self._into.record(Batch.of(total - before[1], new), self._attributes(labels))

    def _exemplar(self, value: float, labels: Labels, bucket: int) -> None:
        if (labels, bucket) not in self._linked:
            self._linked.add((labels, bucket))
            self._into.record(value, self._attributes(labels))

    def _attributes(self, labels: Labels) -> dict[str, str]:
        return dict(zip(self._ours.labels, labels, strict=True))
