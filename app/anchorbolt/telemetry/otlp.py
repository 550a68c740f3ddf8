"""Sends spans and metrics to a collector by OTLP over HTTP. Imported only when a collector is configured.

All of it is OpenTelemetry's SDK, which reads most of the standard `OTEL_*` variables itself (docs/settings.md); they
were checked before (settings/otel.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import requests
from google.protobuf.message import DecodeError
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import Sampler

from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import traces
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.meters import SCOPE, resource
from anchorbolt.telemetry.sampling import Ids, WhileThereIsRoom
from anchorbolt.telemetry.span_export import SpanQueue

log = get_logger("telemetry")

# How long sending the last spans and metrics may take before the process ends anyway.
FLUSH_SECONDS = 3.0


class Otlp:
    """Sends to the collector, from threads of the SDK."""

    def __init__(self, collector: Collector, instance: str, meters: MeterProvider) -> None:
        """`instance`: the name of this pod. `meters`: the meter provider of this process.

        It must be created in the process that serves: the SDK starts its threads here.
        """
        self._ends: list[Callable[[], Any]] = []
        for name in ("opentelemetry.sdk", "opentelemetry.exporter"):
            for logger in _loggers_below(name):
                logger.addFilter(Seldom())
        if "traces" in collector.signals:
            session = requests.Session()
            provider, queue, sampler = tracer_provider(OTLPSpanExporter(session=session), collector, resource(instance))
            session.hooks["response"] = [_PartialSuccess(queue).answered]
            trace.set_tracer_provider(provider)
            traces.switch(provider.get_tracer(SCOPE), sampler.leaves_out)
            self._ends.append(provider.shutdown)
        if "metrics" in collector.signals:
            reader = PeriodicExportingMetricReader(OTLPMetricExporter())
            meters.add_metric_reader(reader)
            self._ends.append(reader.shutdown)  # it collects and sends a last time

    async def close(self) -> None:
        """Sends what is left, for FLUSH_SECONDS at most, so that a collector that is away does not delay the end."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await asyncio.gather(*map(_in_a_thread, self._ends))
        except TimeoutError:
            log.warning("the last telemetry was not sent: the collector does not answer")


def tracer_provider(
    exporter: SpanExporter, collector: Collector, of: Resource, sampler: Sampler | None = None
) -> tuple[TracerProvider, SpanQueue, WhileThereIsRoom]:
    """Returns a tracer provider with its queue and its sampler.

    `of`: the attributes of the process. `sampler`: the one that OTEL_TRACES_SAMPLER names where it is None.
    """
    provider = TracerProvider(sampler, of, shutdown_on_exit=False, id_generator=Ids())
    queue = SpanQueue(exporter, collector)
    provider.add_span_processor(queue)
    provider.sampler = asked = WhileThereIsRoom(provider.sampler, queue)
    return provider, queue, asked


class _PartialSuccess:
    """Counts the spans that the collector rejected by its answer, which the SDK does not read."""

    def __init__(self, queue: SpanQueue) -> None:
        self._queue = queue

    def answered(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Counts the spans that a collector rejected of a batch; called by requests with the collector's `response`."""
        with contextlib.suppress(DecodeError):  # a proxy may answer in words
            partly = ExportTraceServiceResponse.FromString(response.content).partial_success
            if response.ok and partly.rejected_spans:
                self._queue.redacting.gave_up(partly.rejected_spans, "rejected")


async def _in_a_thread(work: Callable[[], Any]) -> None:
    """Calls it in a daemon thread instead of an executor, whose threads the interpreter would join at the end."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        work()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=run, name="flush telemetry", daemon=True).start()
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
