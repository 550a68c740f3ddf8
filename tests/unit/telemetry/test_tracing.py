"""Which deliveries are traced: OpenTelemetry's sampler decides once, and all that belongs to a trace follows."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import metrics, traces
from anchorbolt.telemetry.span import OwnSpan
from anchorbolt.telemetry.span_sender import SpanSender
from anchorbolt.telemetry.tracing import SampledTracing, SpansOfListeners
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WANTED, UNWANTED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"

Result = TypeVar("Result")


class Queue(SpanSender):
    """A sender that is never started: what waits in it can be looked at."""

    def __init__(self, size: int = 100) -> None:
        super().__init__(Collector(queue_spans=size), {}, "anchorbolt")

    @property
    def spans(self) -> list[OwnSpan]:
        """Ours, in the order in which they ended."""
        return [span for span in self._waiting if isinstance(span, OwnSpan)]


@pytest.fixture
def switched() -> Iterator[Callable[[Sampler, SpanSender], None]]:
    """Traces on with a sampler; off after the test."""
    yield lambda sampler, sender: traces.switch(SampledTracing(sampler, sender))
    traces.switch(None)


def alone(work: Callable[[], Result]) -> Result:
    """In a context of its own, as every task has one."""
    return contextvars.copy_context().run(work)


def request(parent: str | None = None) -> str | None:
    """A request as intake traces it; what its attempts are told of it."""
    begun = traces.begin_request(traces.HTTP)
    assert begun is not None
    begun.mark("verified")
    if not begun.identify("event", "app_mention", "A:Ev1", parent):
        assert traces.traceparent() is None
        return None
    begun.mark("accepted")
    stored = traces.traceparent()
    begun.end(200)
    return stored


def attempt(parent: str | None) -> None:
    """An attempt with a call of the Web API in it."""
    begun = traces.begin_attempt(parent, "event", "A:Ev1", 1, received_at=0)
    call = traces.begin_call("chat.postMessage", "https://slack.com/api/")
    assert (begun is None) == (call is None)
    if begun is not None and call is not None:
        begun.found("events.x")
        call.end("channel_not_found", 200)
        begun.end("failed", ValueError("xoxb-secret"))


@pytest.mark.parametrize("given", ["of-the-proxy", "xoxb-1234567890-abcdefghijkl"])
def test_the_request_has_its_id(switched: Callable[[Sampler, SpanSender], None], given: str) -> None:
    """Whoever has the id of a request from the log of a proxy finds its trace; a token in its place is redacted."""
    queue = Queue()
    switched(DEFAULT_ON, queue)

    def traced() -> None:
        begun = traces.begin_request(traces.HTTP)
        assert begun is not None
        assert begun.identify("event", "app_mention", "A:Ev1", None, given)
        begun.end(200)

    alone(traced)
    told = queue.spans[0].attributes["anchorbolt.request_id"]
    assert told == given if given == "of-the-proxy" else "abcdefghijkl" not in told


def test_a_delivery_is_three_spans(switched: Callable[[Sampler, SpanSender], None]) -> None:
    """The request, under it the attempt, under that the call; the attempt is linked by what is stored alone."""
    queue = Queue()
    switched(DEFAULT_ON, queue)
    stored = alone(request)
    alone(lambda: attempt(stored))
    first, call, run = queue.spans
    assert {span.trace_id for span in queue.spans} == {first.trace_id}
    assert (first.parent_id, run.parent_id, call.parent_id) == (None, first.span_id, run.span_id)
    assert [name for name, _, _ in first.events] == ["verified", "accepted"]
    assert first.began <= first.events[0][1] <= first.events[1][1]
    assert first.attributes["http.response.status_code"] == 200
    assert (run.attributes["anchorbolt.outcome"], run.attributes["error.type"]) == ("failed", "ValueError")
    assert call.attributes["error.type"] == "channel_not_found"
    assert "xoxb" not in str([span.attributes for span in queue.spans])


@pytest.mark.parametrize(
    ("sampler", "root", "wanted", "unwanted"),
    [
        (DEFAULT_ON, True, True, True),
        (DEFAULT_OFF, False, True, False),
        (ALWAYS_ON, True, True, True),
        (ALWAYS_OFF, False, False, False),
        (ParentBased(TraceIdRatioBased(0)), False, True, False),
        (TraceIdRatioBased(0), False, False, False),
        (TraceIdRatioBased(1), True, True, True),
    ],
)
def test_the_sampler_decides(
    switched: Callable[[Sampler, SpanSender], None], sampler: Sampler, root: bool, wanted: bool, unwanted: bool
) -> None:
    """A request alone, under an ingress that traces it, and under one that does not: the last begins a trace anew."""
    queue = Queue()
    switched(sampler, queue)
    assert (alone(request) is not None) == root
    under = alone(lambda: request(WANTED))
    assert (under is not None) == wanted
    assert (alone(lambda: request(UNWANTED)) is not None) == unwanted
    if under is not None:
        span = queue.spans[-2 if unwanted else -1]
        assert (f"{span.trace_id:032x}", f"{span.parent_id:016x}") == (TRACE, SPAN)
        assert under == f"00-{TRACE}-{span.span_id:016x}-01"


def test_one_in_ten_is_one_in_ten(switched: Callable[[Sampler, SpanSender], None]) -> None:
    """A ratio is kept over many requests, and what is left out leaves no span at all."""
    queue = Queue(10_000)
    switched(ParentBased(TraceIdRatioBased(0.1)), queue)
    traced = sum(alone(request) is not None for _ in range(5_000))
    assert 350 < traced < 650
    assert len(queue.spans) == traced


@pytest.mark.parametrize("parent", [None, UNWANTED, "", "00-1-2", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-x-01"])
def test_an_attempt_of_what_is_not_traced_is_not(
    switched: Callable[[Sampler, SpanSender], None], parent: str | None
) -> None:
    """Without a traceparent, or with one that says no or nothing: no span, also none that a listener begins itself."""
    queue = Queue()
    switched(DEFAULT_ON, queue)

    def listener() -> bool:
        attempt(parent)
        tracer = TracerProvider(shutdown_on_exit=False).get_tracer("a listener's")
        return tracer.start_span("own").is_recording()

    assert not alone(listener)
    assert queue.spans == []


def test_a_lane_forgets_the_delivery_before(switched: Callable[[Sampler, SpanSender], None]) -> None:
    """One task runs deliveries one after the other: one that is not traced is not put under the one before it."""
    queue = Queue()
    switched(DEFAULT_ON, queue)

    def lane() -> None:
        attempt(WANTED)
        attempt(None)
        assert traces.traceparent() is None

    alone(lane)
    assert [span.name for span in queue.spans] == ["chat.postMessage", "process event"]


def test_nothing_new_is_traced_while_the_queue_is_full(switched: Callable[[Sampler, SpanSender], None]) -> None:
    """With the collector away a delivery costs no more than one that is left out, and each is counted."""
    queue = Queue(1)
    switched(DEFAULT_ON, queue)
    assert alone(request) is not None
    before = metrics.spans_dropped.value("queue_full")
    assert alone(request) is None
    assert metrics.spans_dropped.value("queue_full") - before == 1
    assert len(queue.spans) == 1


async def test_what_a_listener_begins_goes_the_same_way(switched: Callable[[Sampler, SpanSender], None]) -> None:
    """A listener's own span, ended in any thread, waits in the same queue, under the attempt; a call goes under it."""
    queue = Queue()
    provider = TracerProvider(sampler=DEFAULT_ON, shutdown_on_exit=False)
    provider.add_span_processor(SpansOfListeners(queue))
    switched(provider.sampler, queue)

    def listener() -> None:
        begun = traces.begin_attempt(WANTED, "event", "A:Ev1", 1)
        assert begun is not None
        own = provider.get_tracer("a listener's").start_span("own")
        with trace.use_span(own):
            call = traces.begin_call("chat.postMessage", "https://slack.com/api/")
            assert call is not None
            call.end("ok", 200)
        own.end()
        begun.end("done")

    await asyncio.to_thread(alone, listener)
    await asyncio.sleep(0)
    call, run = queue.spans
    (own,) = (span for span in queue._waiting if not isinstance(span, OwnSpan))
    assert own.name == "own"
    assert own.parent is not None
    assert own.parent.span_id == run.span_id
    assert own.context is not None
    assert call.parent_id == own.context.span_id
