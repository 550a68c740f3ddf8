"""Decides by OpenTelemetry's sampler which deliveries are traced, and passes on our spans and those of listeners."""

from __future__ import annotations

import asyncio
import random

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler

from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.span_sender import SpanSender

_NO_PARENT = Context()


class SampledTracing:
    """Asks the sampler about a trace before a span is created."""

    def __init__(self, sampler: Sampler, sender: SpanSender) -> None:
        self._sampler = sampler
        self._sender = sender
        self.ended = sender.put

    def begin(self) -> int | None:
        """Returns the id of a new trace, or None where it is not sampled, or its spans would be dropped anyway."""
        trace_id = random.getrandbits(128) or 1
        if not self._wants(trace_id):
            return None
        if self._sender.is_full:
            metrics.spans_dropped.add("queue_full")
            return None
        return trace_id

    def goes_on(self, trace_id: int) -> bool:
        """Whether to continue a trace: a parent-based sampler always does, any other decides again."""
        return isinstance(self._sampler, ParentBased) or self._wants(trace_id)

    def _wants(self, trace_id: int) -> bool:
        asked = self._sampler.should_sample(_NO_PARENT, trace_id, "POST /slack/events")
        return asked.decision is Decision.RECORD_AND_SAMPLE


class SpansOfListeners(SpanProcessor):
    """Passes spans that listeners make with OpenTelemetry's API to our sender.

    It must be created in the sender's event loop.
    """

    def __init__(self, sender: SpanSender) -> None:
        self._sender = sender
        self._loop = asyncio.get_running_loop()

    def on_end(self, span: ReadableSpan) -> None:
        """The SDK's own hook; in whatever thread the span ended."""
        of_span = span.get_span_context()
        if of_span is not None and of_span.trace_flags.sampled and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._sender.put, span)
