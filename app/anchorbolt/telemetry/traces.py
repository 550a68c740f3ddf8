"""One trace for each delivery: the request, each attempt (also in another pod), and every Web API call.

There is a span for the request, for each attempt and for each call, made by OpenTelemetry's SDK; its sampler decides
once, when the request is known to be Slack's. Steps within them are events of the span (docs/decisions/0021 and 0105).
Without traces, all this reads one variable. No text, token or URL of a payload is put into a span.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from anchorbolt.telemetry.redact import without_secrets
from anchorbolt.telemetry.traced import is_traced, traced

_tracer: Tracer | None = None

# The context for deliveries that are not traced, so that a listener's own spans begin no trace there.
NOT_TRACED = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 1, is_remote=False)), Context())
_NO_PARENT = Context()
_propagator = TraceContextTextMapPropagator()


def switch(tracer: Tracer | None) -> None:
    """Switches traces on, or off with None."""
    global _tracer  # noqa: PLW0603 - one for the process, as OpenTelemetry's provider is
    _tracer = tracer


@dataclass(frozen=True, slots=True)
class Way:
    """A transport, for the request's span: its name, its fixed attributes, and the attribute for the status."""

    span: str
    attributes: dict[str, Any]
    status: str | None


HTTP = Way("POST /slack/events", {"http.request.method": "POST"}, "http.response.status_code")
SOCKET = Way("receive envelope", {"network.protocol.name": "websocket"}, None)


class RequestTrace:
    """The span of a request and its events."""

    __slots__ = ("_marks", "_span", "_started", "_way")

    def __init__(self, way: Way) -> None:
        self._way = way
        self._started = time.time_ns()
        self._marks: list[tuple[str, int]] = []
        self._span: Span | None = None

    def mark(self, name: str) -> None:
        """Records that a step is done."""
        self._marks.append((name, time.time_ns()))

    def identify(
        self, kind: str, slack_type: str, key: str | None, parent: str | None, request_id: str | None = None
    ) -> bool:
        """Decides whether the request is traced, once it is known to be Slack's. Returns whether it is.

        `parent`: the traceparent header of an ingress, if there is one. `request_id`: its X-Request-Id, or ours.
        """
        tracer = _tracer
        if tracer is None:
            return False
        attributes = self._way.attributes | {"slack.kind": kind, "slack.type": slack_type}
        if key is not None:
            attributes["messaging.message.id"] = key
        if request_id is not None:  # the only attribute whose text a client may choose
            attributes["anchorbolt.request_id"] = without_secrets(request_id)
        above = _read(parent) if parent is not None else _NO_PARENT
        span = tracer.start_span(self._way.span, above, SpanKind.SERVER, attributes, start_time=self._started)
        if not span.is_recording():
            return False
        self._span = span
        _enter(span)
        return True

    def end(self, status: int) -> None:
        """Ends the span, when the request was answered."""
        span = self._span
        if span is None:
            return
        for name, at in self._marks:
            span.add_event(name, None, at)
        if self._way.status is not None:
            span.set_attribute(self._way.status, status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()


class AttemptTrace:
    """The span of one run of a delivery."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Span, traceparent: str) -> None:
        """`traceparent`: that of the request, for later attempts."""
        self._span = span
        self.traceparent = traceparent

    def found(self, listener: str) -> None:
        """Records the listener that Bolt has found and that begins now."""
        self._span.set_attribute("code.function.name", listener)
        self._span.add_event("listener")

    def event(self, name: str) -> None:
        """Adds an event to the span."""
        self._span.add_event(name)

    def end(self, outcome: str, error: BaseException | None = None) -> None:
        """Ends the span, once. Of an error only the class is recorded: messages may quote what was sent."""
        span = self._span
        if not span.is_recording():
            return
        if error is None:
            span.set_attribute("anchorbolt.outcome", outcome)
        else:
            span.set_attributes({"anchorbolt.outcome": outcome, "error.type": type(error).__name__})
            span.set_status(StatusCode.ERROR)
        span.end()


def begin_request(way: Way) -> RequestTrace | None:
    """Begins the trace of a request. Returns None while traces are off."""
    return RequestTrace(way) if _tracer is not None else None


def traceparent() -> str | None:
    """Returns the traceparent that links an attempt to this task's request, or None where that is not traced.

    https://www.w3.org/TR/trace-context/
    """
    if not is_traced():
        return None
    found = trace.get_current_span().get_span_context()
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def begin_attempt(
    parent: str | None, kind: str, key: str, attempt: int, *, received_at: float | None = None
) -> AttemptTrace | None:
    """Begins the span of a run in this task. Returns None if the request is not traced.

    `parent` is the request's traceparent, `received_at` is in seconds since 1970.
    """
    tracer = _tracer
    if tracer is None:
        return None
    above = _read(parent) if parent is not None else _NO_PARENT
    if parent is not None and above is not _NO_PARENT:
        attributes: dict[str, Any] = {"messaging.message.id": key, "slack.kind": kind, "anchorbolt.attempt": attempt}
        if received_at is not None:
            attributes["anchorbolt.wait_seconds"] = max(0.0, time.time() - received_at)
        span = tracer.start_span(f"process {kind}", above, SpanKind.CONSUMER, attributes)
        if span.is_recording():
            _enter(span)
            return AttemptTrace(span, parent)
    traced.set(False)
    context.attach(NOT_TRACED)
    return None


class CallTrace:
    """The span of one call of the Web API, with its retries."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token = context.attach(trace.set_span_in_context(span))

    def end(self, result: str, status: int | None) -> None:
        """Ends the span. `result`: ok, or Slack's error. `status`: that of the last HTTP response, if there was one."""
        context.detach(self._token)
        span = self._span
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if result != "ok":
            span.set_attribute("error.type", result)
            span.set_status(StatusCode.ERROR)
        span.end()


def begin_call(method: str, base_url: str) -> CallTrace | None:
    """Begins the span of a Web API call. Returns None where the calling run is not traced."""
    tracer = _tracer
    if tracer is None or not is_traced():
        return None
    if not trace.get_current_span().is_recording():  # the attempt's, or one of the listener's own
        return None
    attributes = {"http.request.method": "POST", "url.full": base_url + method}
    return CallTrace(tracer.start_span(method, None, SpanKind.CLIENT, attributes))


def call_sent_again(times: int, status: int | None) -> None:
    """Records that the call of this task is sent again."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("http.request.resend_count", times)
        span.add_event("sent again", {"http.response.status_code": status} if status is not None else None)


def _enter(span: Span) -> None:
    """Makes the span the current one of this task and of the tasks that it starts."""
    traced.set(True)
    context.attach(trace.set_span_in_context(span, Context()))


def _read(parent: str) -> Context:
    """Returns the context that a traceparent stands for; `_NO_PARENT` if it is malformed."""
    return _propagator.extract({"traceparent": parent}, _NO_PARENT)
