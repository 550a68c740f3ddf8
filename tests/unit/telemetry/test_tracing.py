"""Which deliveries are traced: OpenTelemetry's sampler decides once, and all that belongs to a trace follows."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import traces
from anchorbolt.telemetry.otlp import tracer_provider
from opentelemetry import sdk, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    Decision,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WANTED, UNWANTED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"

Result = TypeVar("Result")


class Traced:
    """Spans as the SDK has them, in the order in which they ended."""

    def __init__(self, sampler: Sampler) -> None:
        self._exporter = InMemorySpanExporter()
        collector = Collector(frozenset({"traces"}), delay_seconds=3_600, queue_spans=10_000)
        self.provider, _, self.sampler = tracer_provider(self._exporter, collector, Resource({}), sampler)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """All that have ended."""
        self.provider.force_flush()
        return self._exporter.get_finished_spans()


@pytest.fixture
def switched() -> Iterator[Callable[[Sampler], Traced]]:
    """Traces on with a sampler; off after the test."""
    all_of_them: list[Traced] = []

    def switch(sampler: Sampler) -> Traced:
        found = Traced(sampler)
        all_of_them.append(found)
        traces.switch(found.provider.get_tracer("anchorbolt"), found.sampler.leaves_out)
        return found

    yield switch
    traces.switch(None)
    for one in all_of_them:
        one.provider.shutdown()


def trace_id(span: ReadableSpan) -> int:
    """The id of its trace."""
    assert span.context is not None
    return int(span.context.trace_id)


def span_id(span: ReadableSpan) -> int:
    """Its own id."""
    assert span.context is not None
    return int(span.context.span_id)


def parent_id(span: ReadableSpan) -> int | None:
    """The id of the span above it."""
    return span.parent.span_id if span.parent is not None else None


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
def test_the_request_has_its_id(switched: Callable[[Sampler], Traced], given: str) -> None:
    """Whoever has the id of a request from the log of a proxy finds its trace; a token in its place is redacted."""
    found = switched(DEFAULT_ON)

    def of_request() -> None:
        begun = traces.begin_request(traces.HTTP)
        assert begun is not None
        assert begun.identify("event", "app_mention", "A:Ev1", None, given)
        begun.end(200)

    alone(of_request)
    told = (found.spans[0].attributes or {})["anchorbolt.request_id"]
    assert told == given if given == "of-the-proxy" else "abcdefghijkl" not in str(told)


def test_a_delivery_is_three_spans(switched: Callable[[Sampler], Traced]) -> None:
    """The request, under it the attempt, under that the call; the attempt is linked by what is stored alone."""
    found = switched(DEFAULT_ON)
    stored = alone(request)
    alone(lambda: attempt(stored))
    first, call, run = found.spans
    assert {trace_id(span) for span in found.spans} == {trace_id(first)}
    assert (parent_id(first), parent_id(run), parent_id(call)) == (None, span_id(first), span_id(run))
    assert dict(first.attributes or {}) == {
        "slack.kind": "event",
        "slack.type": "app_mention",
        "messaging.message.id": "A:Ev1",
        "http.response.status_code": 200,
    }
    told = dict(run.attributes or {})
    assert told.pop("anchorbolt.wait_seconds") > 0  # type: ignore[operator] # a number
    assert told == {
        "messaging.message.id": "A:Ev1",
        "code.function.name": "events.x",
        "anchorbolt.outcome": "failed",
        "error.type": "ValueError",
    }
    assert dict(call.attributes or {}) == {
        "url.full": "https://slack.com/api/chat.postMessage",
        "error.type": "channel_not_found",
    }
    assert [span.name for span in found.spans] == ["POST /slack/events", "chat.postMessage", "process event"]
    assert not any(span.events for span in found.spans)
    assert "xoxb" not in "".join(span.to_json() for span in found.spans)


def test_a_slow_delivery_tells_its_steps(
    switched: Callable[[Sampler], Traced], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a request or the way to its listener took long, events say when each step was done."""
    found = switched(DEFAULT_ON)
    monkeypatch.setattr(traces, "SLOW_NS", 0)
    stored = alone(request)
    alone(lambda: attempt(stored))
    first, _, run = found.spans
    assert [event.name for event in first.events] == ["verified", "parsed", "accepted"]
    assert first.start_time is not None
    assert first.end_time is not None
    times = [first.start_time, *[event.timestamp for event in first.events], first.end_time]
    assert times == sorted(times)
    assert [event.name for event in run.events] == ["listener"]


def test_a_refused_request_tells_why(switched: Callable[[Sampler], Traced]) -> None:
    """The word of the refusal comes after the steps that were done, however quick it was."""
    found = switched(DEFAULT_ON)

    def refused() -> None:
        begun = traces.begin_request(traces.HTTP)
        assert begun is not None
        begun.mark("verified")
        assert begun.identify("event", "app_mention", "A:Ev1", None)
        begun.end(503, "store_failed")

    alone(refused)
    (span,) = found.spans
    assert [event.name for event in span.events] == ["verified", "parsed", "store_failed"]
    assert not span.status.is_ok


@pytest.mark.parametrize(
    ("sampler", "root", "wanted", "unwanted"),
    [
        (DEFAULT_ON, True, True, False),
        (DEFAULT_OFF, False, True, False),
        (ALWAYS_ON, True, True, True),
        (ALWAYS_OFF, False, False, False),
        (ParentBased(TraceIdRatioBased(0)), False, True, False),
        (TraceIdRatioBased(0), False, False, False),
        (TraceIdRatioBased(1), True, True, True),
    ],
)
def test_the_sampler_decides(
    switched: Callable[[Sampler], Traced], sampler: Sampler, root: bool, wanted: bool, unwanted: bool
) -> None:
    """A request alone, under a proxy that traces it, and under one that does not: a parent-based sampler follows the
    proxy, any other decides itself."""
    found = switched(sampler)
    assert (alone(request) is not None) == root
    under = alone(lambda: request(WANTED))
    assert (under is not None) == wanted
    assert (alone(lambda: request(UNWANTED)) is not None) == unwanted
    if under is not None:
        span = found.spans[-2 if unwanted else -1]
        assert (f"{trace_id(span):032x}", f"{parent_id(span):016x}") == (TRACE, SPAN)
        assert under == f"00-{TRACE}-{span_id(span):016x}-01"


SAMPLERS = [
    *(DEFAULT_ON, DEFAULT_OFF, ALWAYS_ON, ALWAYS_OFF),
    *(ParentBased(TraceIdRatioBased(0.3)), TraceIdRatioBased(0.3)),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.get_description())
def test_what_is_left_out_is_what_the_sampler_drops(switched: Callable[[Sampler], Traced], sampler: Sampler) -> None:
    """The quick answer, which spares the question, is the SDK's own for each sampler that can be configured: alone,
    and under a proxy's span that is traced or not."""
    quick = switched(sampler).sampler
    for _ in range(200):
        trace_id = random.getrandbits(128)
        for flags in (None, TraceFlags(0), TraceFlags(1)):
            above = None if flags is None else SpanContext(trace_id, 1, is_remote=True, trace_flags=flags)
            under = Context() if above is None else trace.set_span_in_context(NonRecordingSpan(above), Context())
            for asked in (sampler, quick):
                dropped = asked.should_sample(under, trace_id, "x").decision is Decision.DROP
                assert quick.leaves_out(above, trace_id) == dropped


@pytest.mark.parametrize("parent", [None, UNWANTED])
def test_what_is_not_sampled_makes_no_span(
    switched: Callable[[Sampler], Traced], monkeypatch: pytest.MonkeyPatch, parent: str | None
) -> None:
    """A delivery that is left out, by the ratio or by the proxy, has the tracer make nothing at all."""
    found = switched(ParentBased(TraceIdRatioBased(0)))
    made: list[str] = []
    monkeypatch.setattr(sdk.trace.Tracer, "start_span", lambda _, name, *__, **___: made.append(name))
    stored = alone(lambda: request(parent))
    alone(lambda: attempt(stored))
    assert stored is None
    assert made == []
    assert found.spans == ()


def test_one_in_ten_is_one_in_ten(switched: Callable[[Sampler], Traced]) -> None:
    """A ratio is kept over many requests, and what is left out leaves no span at all."""
    found = switched(ParentBased(TraceIdRatioBased(0.1)))
    traced = sum(alone(request) is not None for _ in range(5_000))
    assert 350 < traced < 650
    assert len(found.spans) == traced


@pytest.mark.parametrize(
    "parent",
    [
        None,
        UNWANTED,
        "",
        "00-1-2",
        f"ff-{TRACE}-{SPAN}-01",
        f"{WANTED}-x",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-x-01",
    ],
)
def test_an_attempt_of_what_is_not_traced_is_not(switched: Callable[[Sampler], Traced], parent: str | None) -> None:
    """Without a traceparent, or with one that says no or nothing: no span, also none that a listener begins itself."""
    found = switched(DEFAULT_ON)

    def listener() -> bool:
        attempt(parent)
        return found.provider.get_tracer("a listener's").start_span("own").is_recording()

    assert not alone(listener)
    assert found.spans == ()


def test_a_lane_forgets_the_delivery_before(switched: Callable[[Sampler], Traced]) -> None:
    """One task runs deliveries one after the other: one that is not traced is not put under the one before it."""
    found = switched(DEFAULT_ON)

    def lane() -> None:
        attempt(WANTED)
        attempt(None)
        assert traces.traceparent() is None

    alone(lane)
    assert [span.name for span in found.spans] == ["chat.postMessage", "process event"]


async def test_what_a_listener_begins_is_under_ours(switched: Callable[[Sampler], Traced]) -> None:
    """A listener's own span, in whatever thread, is under the attempt, and a call that it makes is under that."""
    found = switched(DEFAULT_ON)

    def listener() -> None:
        begun = traces.begin_attempt(WANTED, "event", "A:Ev1", 1)
        assert begun is not None
        with found.provider.get_tracer("a listener's").start_as_current_span("own"):
            call = traces.begin_call("chat.postMessage", "https://slack.com/api/")
            assert call is not None
            traces.call_sent_again(1, 429)
            call.end("ok", 200)
        assert trace.get_current_span().is_recording()
        begun.end("done")
        begun.end("done")  # only the first counts

    await asyncio.to_thread(alone, listener)
    call, own, run = found.spans
    assert (own.name, parent_id(own), parent_id(call)) == ("own", span_id(run), span_id(own))
    assert (call.attributes or {})["http.request.resend_count"] == 1
    assert [event.name for event in call.events] == ["sent again"]
