"""Which deliveries are traced: the sampler that OTEL_TRACES_SAMPLER names, while there is room for their spans."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.span_export import SpanQueue
from anchorbolt.telemetry.traced import chosen_trace_id

_EVERY_ID = TraceIdRatioBased.TRACE_ID_LIMIT + 1


class WhileThereIsRoom(Sampler):
    """The configured sampler of the SDK, but no trace begins while its spans would be dropped anyway."""

    def __init__(self, sampler: Sampler, queue: SpanQueue) -> None:
        """`sampler`: one of the six that OTEL_TRACES_SAMPLER can name."""
        self._sampler = sampler
        self._queue = queue
        self._follows_parents = isinstance(sampler, ParentBased)
        root = sampler._root if isinstance(sampler, ParentBased) else sampler
        # The ids below this one are traced. It is the SDK's own rule, and a test compares each sampler with it.
        self._bound = root.bound if isinstance(root, TraceIdRatioBased) else 0 if root is ALWAYS_OFF else _EVERY_ID

    def leaves_out(self, above: SpanContext | None, trace_id: int) -> bool:
        """Returns whether the sampler leaves out a request: the answer that it would give, without asking it.

        `above`: the span of a proxy that the request is under, if there is one. `trace_id`: the request's without one.
        """
        if above is not None and self._follows_parents:
            return not above.trace_flags.sampled
        return (above.trace_id if above is not None else trace_id) & TraceIdRatioBased.TRACE_ID_LIMIT >= self._bound

    def should_sample(  # noqa: PLR0917 - as the SDK has it
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decides as the configured sampler does, but begins no new trace while there is no room for its spans.

        `parent_context`: with the span that this one would be under, if there is one. Each trace that is not begun is
        counted. The other arguments are the SDK's.
        """
        above = trace.get_current_span(parent_context).get_span_context()
        if self._follows_parents and above.is_valid and above.trace_flags.sampled:  # most spans: no need to ask
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, above.trace_state)
        found = self._sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if found.decision is Decision.DROP or above.is_valid or not self._queue.is_full:
            return found
        metrics.spans_dropped.add("queue_full")
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        """Returns the configured sampler's description."""
        return self._sampler.get_description()


class Ids(RandomIdGenerator):
    """Ids of traces: the one that `leaves_out` was asked about already, else a random one."""

    def generate_trace_id(self) -> int:
        """Returns the id that was chosen for the trace which begins, else a random one."""
        return chosen_trace_id.get() or super().generate_trace_id()
