"""OpenTelemetry's SDK carries every instrument of ours, with the numbers that were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from anchorbolt.telemetry import meters as ours
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.batches import Batches
from anchorbolt.telemetry.instruments import Counter, Gauge, Histogram, Instrument
from anchorbolt.telemetry.traced import traced
from opentelemetry import context, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics import export as sdk
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from prometheus_client import CollectorRegistry, generate_latest

from tests.support.metrics_page import series_of

DELTA = {
    SdkHistogram: sdk.AggregationTemporality.DELTA,
    ObservableCounter: sdk.AggregationTemporality.DELTA,
}


def carried(reader: sdk.InMemoryMetricReader) -> dict[str, sdk.Metric]:
    """What a collection finds now, by name."""
    data = reader.get_metrics_data()
    found = data.resource_metrics if data is not None else ()
    return {metric.name: metric for one in found for scope in one.scope_metrics for metric in scope.metrics}


def points(metric: sdk.Metric) -> list[Any]:
    """The data points of a metric."""
    return list(metric.data.data_points)


def provider(*instruments: Instrument, reader: sdk.MetricReader, exemplars: bool = False) -> MeterProvider:
    """A provider for these instruments alone."""
    made = MeterProvider(
        [reader], shutdown_on_exit=False, views=[View(instrument_type=SdkHistogram, aggregation=Batches())]
    )
    for feed in ours.register(instruments, made.get_meter("test")):
        if exemplars:
            feed.link()
    return made


@pytest.fixture
def in_a_trace() -> Iterator[SpanContext]:
    """This test's code belongs to a traced delivery."""
    span = SpanContext(7, 9, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    was = traced.set(True)
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(span)))
    yield span
    context.detach(token)
    traced.reset(was)


def test_the_sdk_carries_every_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each metric of the app is in the SDK with its name, unit, description and values, whoever reads it."""
    reader = sdk.InMemoryMetricReader()
    ours.meter_provider([reader], Resource({}))
    for one in metrics.ALL:
        labels = ("x",) * len(one.labels)
        if isinstance(one, Counter):
            one.add(*labels)
        elif isinstance(one, Histogram):
            one.record(0.5, *labels)
        elif isinstance(one, Gauge):
            monkeypatch.setattr(one, "_ask", lambda labels=labels: {labels: 5.0})
    found = carried(reader)
    assert set(found) == {one.name for one in metrics.ALL}
    for one in metrics.ALL:
        metric = found[one.name]
        assert (metric.unit, metric.description) == (one.unit, one.description)
        kind = {Counter: sdk.Sum, Gauge: sdk.Gauge, Histogram: sdk.Histogram}[type(one)]
        assert isinstance(metric.data, kind)
        (point,) = (point for point in points(metric) if list(point.attributes.values()) == ["x"] * len(one.labels))
        assert list(point.attributes) == list(one.labels)
        if isinstance(one, Counter):
            assert metric.data.is_monotonic  # type: ignore[union-attr] # it is a sum
            assert point.value == one.value(*(("x",) * len(one.labels)))
        elif isinstance(one, Histogram):
            assert point.explicit_bounds == one.bounds
            assert point.count >= 1
        else:
            assert point.value == 5


def test_the_page_has_the_names_of_prometheus() -> None:
    """The exporter's names are those that alerts and dashboards ask for, with no labels but ours."""
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False, registry=registry)
    counter = Counter("a.b", "{delivery}", "", ("kind",), known=[("event",)])
    blocked, gauge = Counter("a.blocked", "s", ""), Gauge("a.up", "1", "")
    histogram = Histogram("a.took", "s", "", bounds=(0.5, 3))
    gauge.observe(lambda: 1)
    provider(counter, blocked, gauge, histogram, reader=reader)
    page = generate_latest(registry).decode()
    shown = {line for line in page.splitlines() if not line.startswith("#")}
    assert shown == {
        'a_b_total{kind="event"} 0.0',
        "a_blocked_seconds_total 0.0",
        "a_up 1.0",
        'a_took_seconds_bucket{le="0.5"} 0.0',
        'a_took_seconds_bucket{le="3.0"} 0.0',
        'a_took_seconds_bucket{le="+Inf"} 0.0',
        "a_took_seconds_count 0.0",
        "a_took_seconds_sum 0.0",
    }
    names = {line.partition(" ")[0].partition("{")[0] for line in shown}
    assert names == set().union(*map(series_of, (counter, blocked, gauge, histogram)))


def test_a_histogram_counts_each_value_once() -> None:
    """However often it is collected, and by several readers, each value is in its bucket and in the sum."""
    histogram = Histogram("x", "s", "", ("a",), bounds=(1, 2), known=[("known",)])
    first, second = sdk.InMemoryMetricReader(), sdk.InMemoryMetricReader()
    made = provider(histogram, reader=first)
    made.add_metric_reader(second)
    for value in (0.5, 1, 1.5):
        histogram.record(value, "b")
    assert [(point.attributes["a"], point.count) for point in points(carried(first)["x"])] == [("known", 0), ("b", 3)]
    histogram.record(9, "b")
    for reader in (first, second, first):
        known, point = points(carried(reader)["x"])
        assert (known.bucket_counts, known.sum, known.min, known.max) == ((0, 0, 0), 0, None, None)
        assert (point.bucket_counts, point.sum, point.count) == ((2, 1, 1), 12, 4)


def test_delta_temporality_is_the_sdks() -> None:
    """Where a collector wants differences, each value is in one, also in a series that was quiet for a while."""
    histogram, counter = Histogram("x", "s", "", bounds=(1,)), Counter("y", "1", "")
    reader = sdk.InMemoryMetricReader(preferred_temporality=DELTA)  # type: ignore[arg-type] # some of the classes
    provider(histogram, counter, reader=reader)

    def counted() -> tuple[Mapping[str, sdk.Metric], int]:
        found = carried(reader)
        return found, sum(point.count for metric in [found.get("x")] if metric for point in points(metric))

    for values in (2, 0, 3):
        for _ in range(values):
            histogram.record(0.5)
            counter.add()
        found, count = counted()
        assert count == values
        assert points(found["y"])[0].value == values


def test_a_traced_value_is_an_exemplar(in_a_trace: SpanContext) -> None:
    """A value of a traced delivery is linked to its trace, and counts once."""
    histogram, reader = Histogram("x", "s", "", ("a",), bounds=(1,)), sdk.InMemoryMetricReader()
    provider(histogram, reader=reader, exemplars=True)
    histogram.record(0.25, "b")
    (point,) = points(carried(reader)["x"])
    assert (point.count, point.sum) == (1, 0.25)
    (exemplar,) = point.exemplars
    assert (exemplar.value, exemplar.trace_id, exemplar.span_id) == (0.25, in_a_trace.trace_id, in_a_trace.span_id)


def test_each_bucket_has_an_exemplar_after_each_collection(in_a_trace: SpanContext) -> None:
    """Between two collections the SDK is given one traced value a bucket, and counts all of them."""
    histogram, reader = Histogram("x", "s", "", bounds=(1,)), sdk.InMemoryMetricReader()
    provider(histogram, reader=reader, exemplars=True)
    for values, count, linked in (([0.25, 0.5, 2.0, 4.0], 4, [0.25, 2.0]), ([0.75], 5, [0.75])):
        for value in values:
            histogram.record(value)
        (point,) = points(carried(reader)["x"])
        assert point.count == count
        assert [exemplar.value for exemplar in point.exemplars] == linked
        assert {exemplar.trace_id for exemplar in point.exemplars} == {in_a_trace.trace_id}


def test_a_value_outside_of_a_trace_is_no_exemplar() -> None:
    """What is not traced costs the SDK nothing until the next collection."""
    histogram, reader = Histogram("x", "s", "", bounds=(1,)), sdk.InMemoryMetricReader()
    provider(histogram, reader=reader, exemplars=True)
    histogram.record(0.25)
    (point,) = points(carried(reader)["x"])
    assert point.count == 1
    assert not point.exemplars


def test_the_page_stays_where_the_sdk_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SDK_DISABLED ends what is sent, and `/metrics`, which alerts are made of, stays."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    reader = sdk.InMemoryMetricReader()
    ours.meter_provider([reader], Resource({}))
    assert "anchorbolt.answers" in carried(reader)


def test_who_runs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is `anchorbolt` and the instance the pod, unless OpenTelemetry's variables say otherwise."""
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    found = ours.resource("pod-0").attributes
    assert (found["service.name"], found["service.instance.id"]) == ("anchorbolt", "pod-0")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ours")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=one,team=blue")
    found = ours.resource("pod-0").attributes
    assert (found["service.name"], found["service.instance.id"], found["team"]) == ("ours", "one", "blue")
