"""Converts our instruments to the data that OpenTelemetry's SDK exports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from anchorbolt.telemetry import instruments


class WithOurs(MetricExporter):
    """An exporter that adds our instruments to what the SDK exports."""

    def __init__(self, exporter: MetricExporter, ours: Sequence[instruments.Instrument], resource: Resource) -> None:
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)
        self._exporter = exporter
        self._ours = ours
        self._resource = resource
        self._began = time.time_ns()

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **rest: Any) -> MetricExportResult:
        """The SDK's own hook: called in its thread, every OTEL_METRIC_EXPORT_INTERVAL and at the end."""
        now = time.time_ns()
        scope = ScopeMetrics(InstrumentationScope("anchorbolt"), [self._metric(one, now) for one in self._ours], "")
        all_of_it = [*metrics_data.resource_metrics, ResourceMetrics(self._resource, [scope], "")]
        return self._exporter.export(MetricsData(all_of_it), timeout_millis, **rest)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """The SDK's own hook."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **rest: Any) -> None:
        """The SDK's own hook."""
        self._exporter.shutdown(timeout_millis, **rest)

    def _metric(self, instrument: instruments.Instrument, now: int) -> Metric:
        if isinstance(instrument, instruments.Histogram):
            return self._named(instrument, self._histogram(instrument, now))
        assert isinstance(instrument, instruments.Counter | instruments.Gauge)  # noqa: S101 - there are three
        is_sum = isinstance(instrument, instruments.Counter)
        points = [
            NumberDataPoint(dict(zip(instrument.labels, values, strict=True)), self._began, now, value)
            for values, value in instrument.read()
        ]
        if is_sum:
            return self._named(instrument, Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True))
        return self._named(instrument, Gauge(points))

    def _histogram(self, instrument: instruments.Histogram, now: int) -> Histogram:
        points = [
            HistogramDataPoint(
                attributes=dict(zip(instrument.labels, values, strict=True)),
                start_time_unix_nano=self._began,
                time_unix_nano=now,
                count=buckets.count,
                sum=buckets.sum,
                bucket_counts=list(buckets.counts),
                explicit_bounds=instrument.bounds,
                min=None,  # type: ignore[arg-type] # optional in the protocol, and not recorded
                max=None,  # type: ignore[arg-type]
            )
            for values, buckets in instrument.read()
        ]
        return Histogram(points, AggregationTemporality.CUMULATIVE)

    @staticmethod
    def _named(instrument: instruments.Instrument, data: Sum | Gauge | Histogram) -> Metric:
        return Metric(instrument.name, instrument.description, instrument.unit, data)
