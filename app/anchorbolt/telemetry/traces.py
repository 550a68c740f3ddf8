"""One trace for each delivery: the request, each attempt (also in another pod), and every Web API call.

There is a span for the request, for each attempt and for each call. Steps within them are events of the span
(docs/decisions/0021). Without traces, all this reads one variable; a delivery that is not sampled costs 3 us.
No text, token or URL of a payload is put into a span.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode

from anchorbolt.telemetry.redact import without_secrets
from anchorbolt.telemetry.span import Event, OwnSpan
from anchorbolt.telemetry.traced import is_traced, traced


class Tracing(Protocol):
    """Decides which deliveries are traced, and takes their spans."""

    def begin(self) -> int | None:
        """Returns the id of a new trace, or None if it is not sampled."""

    def goes_on(self, trace_id: int) -> bool:
        """Whether to continue a trace that began, and was sampled, elsewhere."""

    def ended(self, span: OwnSpan) -> None:
        """Takes a span that has ended."""


_tracing: Tracing | None = None
# The context for deliveries that are not traced, so that a listener's own spans begin no trace there.
NOT_TRACED = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 1, is_remote=False)), Context())


def switch(tracing: Tracing | None) -> None:
    """Switches traces on, or off with None."""
    global _tracing  # noqa: PLW0603 - one for the process, as OpenTelemetry's provider is
    _tracing = tracing


@dataclass(frozen=True, slots=True)
class Way:
    """A transport, for the request's span: its name, its fixed attributes, and the attribute for the status."""

    span: str
    attributes: dict[str, Any]
    status: str | None


HTTP = Way("POST /slack/events", {"http.request.method": "POST"}, "http.response.status_code")
SOCKET = Way("receive envelope", {"network.protocol.name": "websocket"}, None)


class RequestTrace:
    """The span of a request and its events. Only those of traced requests are kept."""

    __slots__ = ("_events", "_span", "_started", "_way")

    def __init__(self, way: Way) -> None:
        self._way = way
        self._started = time.time_ns()
        self._events: list[Event] = []
        self._span: OwnSpan | None = None

    def mark(self, name: str) -> None:
        """Records that a step is done."""
        self._events.append((name, time.time_ns(), None))

    def identify(
        self, kind: str, slack_type: str, key: str | None, parent: str | None, request_id: str | None = None
    ) -> bool:
        """Decides whether the request is traced, once it is known to be Slack's. Returns whether it is.

        `parent`: the traceparent header of an ingress, if there is one. `request_id`: its X-Request-Id, or ours.
        """
        tracing = _tracing
        if tracing is None:
            return False
        ids = _ids_of_request(tracing, parent)
        if ids is None:
            return False
        attributes = self._way.attributes | {"slack.kind": kind, "slack.type": slack_type}
        if key is not None:
            attributes["messaging.message.id"] = key
        if request_id is not None:  # the only attribute whose text a client may choose
            attributes["anchorbolt.request_id"] = without_secrets(request_id)
        self._span = OwnSpan(
            self._way.span,
            SpanKind.SERVER,
            ids,
            attributes,
            tracing.ended,
            parent_is_remote=ids[1] is not None,
            events=self._events,
            began=self._started,
        )
        _enter(self._span)
        return True

    def end(self, status: int) -> None:
        """Ends the span, when the request was answered."""
        span = self._span
        if span is not None:
            if self._way.status is not None:
                span.attributes[self._way.status] = status
            if status >= 500:
                span.status = StatusCode.ERROR
            span.end()


class AttemptTrace:
    """The span of one run of a delivery."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: OwnSpan, traceparent: str) -> None:
        """`traceparent`: that of the request, for later attempts."""
        self._span = span
        self.traceparent = traceparent

    def found(self, listener: str) -> None:
        """Records the listener that Bolt has found and that begins now."""
        self._span.attributes["code.function.name"] = listener
        self._span.add_event("listener")

    def event(self, name: str) -> None:
        """Adds an event to the span."""
        self._span.add_event(name)

    def end(self, outcome: str, error: BaseException | None = None) -> None:
        """Ends the span, once. Of an error only the class is recorded: messages may quote what was sent."""
        span = self._span
        if not span.is_recording():
            return
        span.attributes["anchorbolt.outcome"] = outcome
        if error is not None:
            span.attributes["error.type"] = type(error).__name__
            span.status = StatusCode.ERROR
        span.end()


def begin_request(way: Way) -> RequestTrace | None:
    """Begins the trace of a request. Returns None while traces are off."""
    return RequestTrace(way) if _tracing is not None else None


def traceparent() -> str | None:
    """Returns the traceparent that links an attempt to this task's request, or None where that is not traced.

    https://www.w3.org/TR/trace-context/
    """
    if not is_traced():
        return None
    trace_id, span_id = _ids(trace.get_current_span())
    return f"00-{trace_id:032x}-{span_id:016x}-01"


def begin_attempt(
    parent: str | None, kind: str, key: str, attempt: int, *, received_at: float | None = None
) -> AttemptTrace | None:
    """Begins the span of a run in this task. Returns None if the request is not traced.

    `parent` is the request's traceparent, `received_at` is in seconds since 1970.
    """
    tracing = _tracing
    if tracing is None:
        return None
    under = _read(parent) if parent is not None else None
    if parent is None or under is None or not tracing.goes_on(under[0]):
        traced.set(False)
        context.attach(NOT_TRACED)
        return None
    attributes: dict[str, Any] = {"messaging.message.id": key, "slack.kind": kind, "anchorbolt.attempt": attempt}
    if received_at is not None:
        attributes["anchorbolt.wait_seconds"] = max(0.0, time.time() - received_at)
    span = OwnSpan(f"process {kind}", SpanKind.CONSUMER, under, attributes, tracing.ended, parent_is_remote=True)
    _enter(span)
    return AttemptTrace(span, parent)


class CallTrace:
    """The span of one call of the Web API, with its retries."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: OwnSpan) -> None:
        self._span = span
        self._token = context.attach(trace.set_span_in_context(span))

    def end(self, result: str, status: int | None) -> None:
        """Ends the span. `result`: ok, or Slack's error. `status`: that of the last HTTP response, if there was one."""
        context.detach(self._token)
        span = self._span
        if status is not None:
            span.attributes["http.response.status_code"] = status
        if result != "ok":
            span.attributes["error.type"] = result
            span.status = StatusCode.ERROR
        span.end()


def begin_call(method: str, base_url: str) -> CallTrace | None:
    """Begins the span of a Web API call. Returns None where the calling run is not traced."""
    tracing = _tracing
    if tracing is None or not is_traced():
        return None
    above = trace.get_current_span()  # the attempt's, or one of the listener's own
    if not above.is_recording():
        return None
    attributes: dict[str, Any] = {"http.request.method": "POST", "url.full": base_url + method}
    return CallTrace(OwnSpan(method, SpanKind.CLIENT, _ids(above), attributes, tracing.ended))


def call_sent_again(times: int, status: int | None) -> None:
    """Records that the call of this task is sent again."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("http.request.resend_count", times)
        span.add_event("sent again", {"http.response.status_code": status} if status is not None else None)


def _ids_of_request(tracing: Tracing, parent: str | None) -> tuple[int, int | None] | None:
    under = _read(parent) if parent is not None else None
    if under is not None:
        return under if tracing.goes_on(under[0]) else None
    trace_id = tracing.begin()
    return (trace_id, None) if trace_id is not None else None


def _ids(span: Span) -> tuple[int, int]:
    if isinstance(span, OwnSpan):
        return span.trace_id, span.span_id
    found = span.get_span_context()
    return found.trace_id, found.span_id


def _enter(span: OwnSpan) -> None:
    """Makes the span the current one of this task and of the tasks that it starts."""
    traced.set(True)
    context.attach(trace.set_span_in_context(span, Context()))


def _read(parent: str) -> tuple[int, int] | None:
    """Parses a traceparent into the ids of trace and span. Returns None if it is malformed or not sampled."""
    try:
        _, trace_id, span_id, flags = parent.split("-")
        found = int(trace_id, 16), int(span_id, 16)
        sampled = int(flags[:2], 16) & 1
    except ValueError:
        return None
    return found if sampled and 0 < found[0] < 1 << 128 and 0 < found[1] < 1 << 64 else None
