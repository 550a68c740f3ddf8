"""OpenTelemetry's SDK: spans and metrics to a collector, by OTLP over HTTP. Imported only when somebody wants them.

Where to and how (endpoint, headers, sampler, batches, time limits) the SDK reads by itself from the standard `OTEL_*`
variables (docs/settings.md).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler

from app.telemetry import traces
from app.telemetry.metrics import ALL
from app.telemetry.otlp_metrics import WithOurs
from app.telemetry.own_meters import LazyMeterProvider

SERVICE = "anchorbolt"
# What the last spans get before the process goes all the same.
FLUSH_SECONDS = 3.0
_NO_PARENT = Context()


class Otlp:
    """What sends to the collector, in threads of its own."""

    def __init__(self, signals: frozenset[str], instance: str, meters: LazyMeterProvider) -> None:
        """`signals`: traces, metrics, or both. `instance`: the name of this pod. `meters`: what listeners measure."""
        for name in ("opentelemetry.sdk", "opentelemetry.exporter"):
            for logger in _loggers_below(name):
                logger.addFilter(Seldom())
        self._closers: list[Callable[[], object]] = []
        resource = _resource(instance)
        if "traces" in signals:
            ids = ChosenIds()
            provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=ids)
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            trace.set_tracer_provider(provider)
            traces.switch(provider.get_tracer(SERVICE), lambda: ids.choose(provider.sampler))
            self._closers.append(provider.shutdown)
        if "metrics" in signals:
            exporter = WithOurs(OTLPMetricExporter(), ALL, resource)
            meters.load([PeriodicExportingMetricReader(exporter)], resource)
            began = time.monotonic()
            # The SDK exports nothing without an instrument of its own; this one has a standard name.
            meters.get_meter(SERVICE).create_observable_gauge(
                "process.uptime", [lambda _: [Observation(time.monotonic() - began)]], "s", "Since the process began."
            )
            self._closers.append(meters.shutdown)

    async def close(self) -> None:
        """Sends what is left, within FLUSH_SECONDS: a collector that is away must not keep the pod."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def close() -> None:
            for closer in self._closers:
                closer()
            loop.call_soon_threadsafe(ended.set)

        # No executor: the interpreter would wait for its threads at the end.
        threading.Thread(target=close, name="flush telemetry", daemon=True).start()
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await ended.wait()
        except TimeoutError:
            logging.getLogger(__name__).warning("the last telemetry was not sent: the collector does not answer")


class ChosenIds(RandomIdGenerator):
    """Asks the sampler about a trace before there is a span, which takes a microsecond instead of seven."""

    def __init__(self) -> None:
        self._chosen = threading.local()

    def choose(self, sampler: Sampler) -> bool:
        """Whether the next trace of this thread is wanted. If so, its span has to begin now."""
        trace_id = super().generate_trace_id()
        asked = sampler.should_sample(_NO_PARENT, trace_id, "POST /slack/events")
        wanted = asked.decision is Decision.RECORD_AND_SAMPLE
        if wanted:
            self._chosen.trace_id = trace_id
        return wanted

    def generate_trace_id(self) -> int:
        """The SDK's own hook."""
        trace_id: int | None = self._chosen.__dict__.pop("trace_id", None)
        return super().generate_trace_id() if trace_id is None else trace_id


class Seldom(logging.Filter):
    """Lets a logger say the same thing once a minute: an exporter without a collector has one theme."""

    def __init__(self, every_seconds: float = 60, clock: Callable[[], float] | None = None) -> None:
        super().__init__()
        self._every = every_seconds
        self._clock = clock
        self._said: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """The logging module's own hook."""
        now = self._clock() if self._clock is not None else record.created
        if now - self._said.get(record.msg, -self._every) < self._every:
            return False
        if len(self._said) > 100:
            self._said.clear()
        self._said[record.msg] = now
        return True


def _loggers_below(name: str) -> Sequence[logging.Logger]:
    """A logger's filter does not see what its children say."""
    found = [logger for key, logger in logging.Logger.manager.loggerDict.items() if key.startswith(name + ".")]
    return [logger for logger in found if isinstance(logger, logging.Logger)]


def _resource(instance: str) -> Resource:
    """What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, over what we say."""
    told = Resource.create()
    named = not str(told.attributes.get(SERVICE_NAME, "unknown_service")).startswith("unknown_service")
    ours = Resource({"service.instance.id": instance, SERVICE_NAME: SERVICE})
    return ours.merge(told) if named else told.merge(ours)
