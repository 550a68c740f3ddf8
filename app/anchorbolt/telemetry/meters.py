"""OpenTelemetry's meter provider, and our instruments in it. `/metrics` is one of its readers, OTLP may be another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from opentelemetry import metrics as api
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import SERVICE_NAME, Resource

from anchorbolt.telemetry.batches import Batches, Feed
from anchorbolt.telemetry.instruments import Counter, Gauge, Histogram, Instrument
from anchorbolt.telemetry.metrics import ALL

# The instrumentation scope of our metrics and spans, and the name of the service where none is told.
SCOPE = SERVICE = "anchorbolt"


_provider: MeterProvider | None = None


def meters(instance: str, *, exemplars: bool = False) -> MeterProvider:
    """Returns the meter provider of this process; OpenTelemetry allows to set it only once.

    `instance`: the name of this pod. `exemplars`: whether histograms link to traces; those at `/metrics` cannot.
    """
    global _provider  # noqa: PLW0603 - one for the process, as OpenTelemetry has it
    if _provider is None:
        # No label with the scope: the names of our metrics are ours alone.
        reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False)
        _provider = meter_provider([reader], resource(instance), exemplars=exemplars)
        api.set_meter_provider(_provider)
    return _provider


def meter_provider(readers: Sequence[MetricReader], of: Resource, *, exemplars: bool = False) -> MeterProvider:
    """Returns a meter provider that carries all our instruments to these readers. `of`: attributes of the process."""
    view = View(instrument_type=SdkHistogram, meter_name=SCOPE, aggregation=Batches())
    provider = MeterProvider(readers, of, shutdown_on_exit=False, views=[view])
    # OTEL_SDK_DISABLED ends what is sent (settings/otel.py). `/metrics` and the alerts on it stay.
    provider._disabled = False
    feeds = register(ALL, provider.get_meter(SCOPE))
    for feed in feeds if exemplars else ():
        feed.link()
    return provider


def register(instruments: Iterable[Instrument], meter: api.Meter) -> Sequence[Feed]:
    """Creates the SDK's instrument for each of ours. Returns what feeds those that are histograms."""
    feeds: list[Feed] = []

    def hand_over(_: CallbackOptions) -> Iterable[Observation]:
        for feed in feeds:
            feed.hand_over()
        return ()

    for one in instruments:
        if isinstance(one, Histogram):
            made = meter.create_histogram(
                one.name, one.unit, one.description, explicit_bucket_boundaries_advisory=one.bounds
            )
            feeds.append(Feed(one, made))
        elif isinstance(one, Counter):
            meter.create_observable_counter(one.name, [_reading(one)], one.unit, one.description)
        elif isinstance(one, Gauge):
            meter.create_observable_gauge(one.name, [_reading(one)], one.unit, one.description)
    if feeds:
        # Callbacks are called before the histograms are collected. This one observes nothing itself.
        meter.create_observable_gauge("anchorbolt.histograms", [hand_over], "1", "Never has a value.")
    return feeds


def _reading(one: Counter | Gauge) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, dict(zip(one.labels, labels, strict=True))) for labels, value in one.read()]

    return read


class FixedResource(Resource):
    """A resource whose hash is computed once: the SDK's exporter asks for it with every span, and it writes JSON."""

    def __hash__(self) -> int:
        found: int | None = self.__dict__.get("_hash")
        if found is None:
            found = self.__dict__["_hash"] = super().__hash__()
        return found


def resource(instance: str) -> Resource:
    """The resource: our attributes, overridden by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES."""
    told = Resource.create()
    named = not str(told.attributes.get(SERVICE_NAME, "unknown_service")).startswith("unknown_service")
    ours = Resource({"service.instance.id": instance, SERVICE_NAME: SERVICE})
    found = ours.merge(told) if named else told.merge(ours)
    return FixedResource(dict(found.attributes), found.schema_url)
