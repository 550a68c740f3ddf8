"""Spans on their way to the collector: secrets are redacted, what it does not get is counted, and nobody waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.otlp import tracer_provider
from anchorbolt.telemetry.span_export import RedactingExporter, SpanQueue
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

TOKEN = "xoxb-1234567890-abcdefghijkl"
TRIGGER = "1234567890.987654321.0123456789abcdef0123456789abcdef"


class Gate(SpanExporter):
    """A collector that takes spans when it is told to, and says what it is told to say."""

    def __init__(self) -> None:
        self.says = SpanExportResult.SUCCESS
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.got: list[str] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """The SDK's own hook."""
        self.asked.set()
        self.go_on.wait(10)
        if self.says is SpanExportResult.SUCCESS:
            self.got += [span.name for span in spans]
        return self.says


@pytest.fixture
def started() -> Iterator[Callable[..., tuple[TracerProvider, SpanQueue, Gate]]]:
    """A provider as the app has it, and the collector behind it; all of it ends with the test."""
    all_of_them: list[tuple[TracerProvider, Gate]] = []

    def start(**of_collector: int) -> tuple[TracerProvider, SpanQueue, Gate]:
        gate = Gate()
        asked = Collector(frozenset({"traces"}), delay_seconds=3_600, **of_collector)
        provider, queue, _ = tracer_provider(gate, asked, Resource({}))
        all_of_them.append((provider, gate))
        return provider, queue, gate

    yield start
    for provider, gate in all_of_them:
        gate.go_on.set()
        provider.shutdown()


def dropped(reason: str) -> float:
    """As the metric counts them."""
    return metrics.spans_dropped.value(reason)


def exported(of: Callable[[TracerProvider], None]) -> ReadableSpan:
    """The span that this makes, as an exporter gets it."""
    provider, memory = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    queue = SpanQueue(memory, Collector())
    provider.add_span_processor(queue)
    of(provider)
    provider.shutdown()
    (found,) = memory.get_finished_spans()
    encode_spans([found])  # OTLP can say it
    return found


def test_what_a_listener_puts_into_a_span_is_redacted() -> None:
    """Tokens and triggers in names, attributes, events, the status and exceptions are in none of what is sent."""

    def listener(provider: TracerProvider) -> None:
        with suppress(ValueError), provider.get_tracer("own").start_as_current_span(f"with {TOKEN}") as span:
            span.set_attributes({"mine": f"a {TOKEN}", "many": [TOKEN], "trigger_id": TRIGGER})
            span.set_attribute("nested", {"token": "abc"})
            span.add_event("said", {"trigger": TRIGGER})
            raise ValueError(f"planted {TOKEN}")

    found = exported(listener)
    told = found.to_json() + str([dict(event.attributes or {}) for event in found.events])
    for secret in (TOKEN, TRIGGER, "abc"):
        assert secret not in told
    assert "planted" in told
    assert [event.name for event in found.events] == ["said", "exception"]


def test_the_key_of_a_command_stays() -> None:
    """It holds the trigger_id, and operators look deliveries up by it, as in the log."""
    name = "messaging.message.id"
    found = exported(lambda provider: provider.get_tracer("x").start_span("x", attributes={name: TRIGGER}).end())
    assert (found.attributes or {})[name] == TRIGGER


def test_what_otlp_cannot_say_is_said_otherwise() -> None:
    """A lone surrogate, and a number of more than 64 bits, cost no span."""
    attributes: dict[str, Any] = {"odd": "a\udc00b", "large": 2**70, "fine": 5, "some": (1, 2**70), "raw": b"x"}
    found = exported(lambda provider: provider.get_tracer("x").start_span("x", attributes=attributes).end())
    assert dict(found.attributes or {}) == {
        "odd": "a?b",
        "large": str(2**70),
        "fine": 5,
        "some": [1, str(2**70)],
        "raw": b"x",
    }


def test_a_span_that_nobody_can_read_is_counted_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that breaks while it is looked at is lost, and no other of its batch."""
    memory, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    good, bad = (provider.get_tracer("x").start_span(name) for name in ("good", "bad"))
    monkeypatch.setattr(bad, "_attributes", {"x": 1, 5: "a number as a name"})
    before = dropped("unreadable")
    assert RedactingExporter(memory).export([good, bad]) is SpanExportResult.SUCCESS  # type: ignore[list-item] # the SDK's are
    assert [span.name for span in memory.get_finished_spans()] == ["good"]
    assert dropped("unreadable") - before == 1


def test_what_is_refused_is_counted_and_said_once() -> None:
    """Each span that the collector does not take is counted; the log has one line a minute, with what to look at."""
    gate, now = Gate(), [0.0]
    gate.says = SpanExportResult.FAILURE
    gate.go_on.set()
    checked, before = RedactingExporter(gate, clock=lambda: now[0]), dropped("not_sent")
    span = TracerProvider(shutdown_on_exit=False).get_tracer("x").start_span("x")
    with capture_logs() as lines:
        for _ in range(3):
            checked.export([span, span])  # type: ignore[list-item] # the SDK's are
        now[0] = 61
        checked.export([span])  # type: ignore[list-item]
    assert dropped("not_sent") - before == 7
    assert len(lines) == 2
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in lines[0]["advice"]


def test_nobody_waits_for_a_slow_collector(started: Callable[..., tuple[TracerProvider, SpanQueue, Gate]]) -> None:
    """While it takes a batch, spans wait up to the bound; what ends after that is counted, and no trace begins."""
    provider, queue, gate = started(queue_spans=3, batch_spans=1)
    tracer, before = provider.get_tracer("x"), dropped("queue_full")
    spans = [tracer.start_span(str(number)) for number in range(5)]
    spans[0].end()
    assert gate.asked.wait(10)  # it has left the queue
    for span in spans[1:]:
        assert queue.is_full == (span is spans[4])
        span.end()
    assert dropped("queue_full") - before == 1
    assert not tracer.start_span("root").is_recording()
    assert dropped("queue_full") - before == 2
    gate.go_on.set()
    provider.force_flush()
    assert gate.got == ["0", "1", "2", "3"]
    assert tracer.start_span("root").is_recording()


def test_a_collector_that_is_away_is_asked_with_little(
    started: Callable[..., tuple[TracerProvider, SpanQueue, Gate]],
) -> None:
    """After a batch that failed, one span that waits is as many as are wanted, until the collector is back."""
    provider, queue, gate = started()
    tracer = provider.get_tracer("x")
    gate.says = SpanExportResult.FAILURE
    gate.go_on.set()
    tracer.start_span("lost").end()
    provider.force_flush()
    first = tracer.start_span("finds out")
    assert first.is_recording()
    first.end()
    assert queue.is_full
    assert not tracer.start_span("root").is_recording()
    gate.says = SpanExportResult.SUCCESS
    provider.force_flush()
    assert not queue.is_full
    assert gate.got == ["finds out"]
