"""Sends spans and metrics to a collector by OTLP over HTTP. Imported only when a collector is configured.

OpenTelemetry's SDK sends the metrics, our own sender the spans (docs/decisions/0021). The SDK itself reads the sampler,
the resource and how to send metrics from the standard `OTEL_*` variables (docs/settings.md).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider

from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import traces
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.meters import SCOPE, resource
from anchorbolt.telemetry.span_sender import SpanSender
from anchorbolt.telemetry.tracing import SampledTracing, SpansOfListeners

log = get_logger("telemetry")

# How long sending the last spans and metrics may take before the process ends anyway.
FLUSH_SECONDS = 3.0


class Otlp:
    """Sends to the collector: spans from the event loop, metrics from a thread of the SDK."""

    def __init__(self, collector: Collector, instance: str, meters: MeterProvider) -> None:
        """`instance`: the name of this pod. `meters`: the meter provider of this process.

        It must be created in the process and the event loop that serve: the SDK starts its threads here.
        """
        self._spans: SpanSender | None = None
        self._reader: PeriodicExportingMetricReader | None = None
        if "traces" in collector.signals:
            provider = TracerProvider(resource=resource(instance), shutdown_on_exit=False)
            self._spans = SpanSender(collector, provider.resource.attributes, SCOPE)
            provider.add_span_processor(SpansOfListeners(self._spans))
            trace.set_tracer_provider(provider)
            traces.switch(SampledTracing(provider.sampler, self._spans))
        if "metrics" in collector.signals:
            for name in ("opentelemetry.sdk", "opentelemetry.exporter"):
                for logger in _loggers_below(name):
                    logger.addFilter(Seldom())
            self._reader = PeriodicExportingMetricReader(OTLPMetricExporter())
            meters.add_metric_reader(self._reader)

    def start(self) -> None:
        """Starts to send spans."""
        if self._spans is not None:
            self._spans.start()

    async def close(self) -> None:
        """Sends what is left, for FLUSH_SECONDS at most, so that a collector that is away does not delay the end."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await asyncio.gather(self._close_spans(), self._close_meters())
        except TimeoutError:
            log.warning("the last telemetry was not sent: the collector does not answer")

    async def _close_spans(self) -> None:
        if self._spans is not None:
            await self._spans.close()

    async def _close_meters(self) -> None:
        reader, loop, ended = self._reader, asyncio.get_running_loop(), asyncio.Event()
        if reader is None:
            return

        def close() -> None:
            reader.shutdown()  # it collects and sends a last time
            loop.call_soon_threadsafe(ended.set)

        # A daemon thread instead of an executor, whose threads the interpreter would join at the end.
        threading.Thread(target=close, name="flush metrics", daemon=True).start()
        await ended.wait()


class Seldom(logging.Filter):
    """Lets a logger log the same message once a minute, because an exporter without a collector repeats one."""

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
    """The loggers below a name: a filter of a logger does not apply to the records of its children."""
    found = [logger for key, logger in logging.Logger.manager.loggerDict.items() if key.startswith(name + ".")]
    return [logger for logger in found if isinstance(logger, logging.Logger)]
