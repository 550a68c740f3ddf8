"""`/metrics` on the internal port: our metrics, and those that listeners made with prometheus_client or OTel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from starlette.requests import Request
from starlette.responses import Response

from anchorbolt.telemetry.instruments import Counter, Gauge, Histogram, Instrument
from anchorbolt.telemetry.metrics import ALL


class Ours(Collector):
    """Our instruments as prometheus_client reads them."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._instruments = instruments

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's own hook."""
        return [_family(instrument) for instrument in self._instruments]

    def describe(self) -> Iterator[Metric]:
        """prometheus_client's own hook. It is empty, so that no gauge is read when the collector is registered."""
        return iter(())


def _family(instrument: Instrument) -> Metric:
    name, about, labels = instrument.prometheus_name, instrument.description, instrument.labels
    if isinstance(instrument, Histogram):
        family = HistogramMetricFamily(name, about, labels=labels)
        bounds = [*map(floatToGoString, instrument.bounds), "+Inf"]
        for values, buckets in instrument.read():
            family.add_metric(values, list(zip(bounds, buckets.cumulative, strict=True)), buckets.sum)
        return family
    if isinstance(instrument, Counter):
        counter = CounterMetricFamily(name, about, labels=labels)
        for values, value in instrument.read():
            counter.add_metric(values, value)
        return counter
    assert isinstance(instrument, Gauge)  # noqa: S101 - there are three
    gauge = GaugeMetricFamily(name, about, labels=labels)
    for values, value in instrument.read():
        gauge.add_metric(values, value)
    return gauge


OURS = CollectorRegistry()
OURS.register(Ours(ALL))


async def metrics_page(request: Request) -> Response:
    """Answers with all metrics, in the format that the scraper asks for."""
    encoder, content_type = choose_encoder(request.headers.get("accept", ""))
    both = _Both()
    return Response(encoder(both), media_type=None, headers={"content-type": content_type})


class _Both(CollectorRegistry):
    """Our metrics first, then those of the process and of the listeners."""

    def collect(self) -> Iterator[Metric]:
        yield from OURS.collect()
        yield from REGISTRY.collect()
