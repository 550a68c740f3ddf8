"""One trace for each delivery: the request, each attempt (also in another pod), and every Web API call.

There is a span for the request, for each attempt and for each call, made by OpenTelemetry's SDK; its sampler decides
once, when the request is known to be Slack's. An attribute costs as much as a tenth of a span, so what is nearly always
the same is told only where it differs; steps are events of a slow or a refused request (docs/decisions/0021 and 0105).
Without traces, all this reads one variable. No text, token or URL of a payload is put into a span.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer

from anchorbolt.telemetry.traced import chosen_trace_id, is_traced, traced

LeavesOut = Callable[[SpanContext | None, int], bool]

_tracer: Tracer | None = None
_leaves_out: LeavesOut | None = None

# The context for deliveries that are not traced, so that a listener's own spans begin no trace there.
NOT_TRACED = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 1, is_remote=False)), Context())
_NO_PARENT = Context()
# https://www.w3.org/TR/trace-context/#traceparent-header-field-values
# OpenTelemetry's own propagator takes four times as long, because it looks for other headers too.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
# A request or a wait from this long on is slow (Slack waits three seconds): only then its steps are told.
SLOW_NS = 1_000_000_000


def switch(tracer: Tracer | None, leaves_out: LeavesOut | None = None) -> None:
    """Switches traces on, or off with None.

    `leaves_out`: whether the tracer's sampler leaves out a request under this span, or with this id where there is
    none. The tracer must take the ids of its traces from `sampling.Ids`, so that its sampler is asked about the same.
    """
    global _tracer, _leaves_out
    _tracer, _leaves_out = tracer, leaves_out


@dataclass(frozen=True, slots=True)
class Way:
    """A transport, for the request's span: its name, its fixed attributes, and the attribute for the status."""

    span: str
    attributes: dict[str, Any]
    status: str | None


HTTP = Way("POST /slack/events", {}, "http.response.status_code")
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
        above, trace_id = _read(parent), random.getrandbits(128) or 1
        if _leaves_out is not None and _leaves_out(above, trace_id):
            return False
        attributes = self._way.attributes | {"slack.kind": kind, "slack.type": slack_type}
        if key is not None:
            attributes["messaging.message.id"] = key
        if request_id is not None:  # the only attribute whose text a client may choose; redacted by span_export.py
            attributes["anchorbolt.request_id"] = request_id
        chosen = chosen_trace_id.set(trace_id)
        span = tracer.start_span(self._way.span, _below(above), SpanKind.SERVER, attributes, start_time=self._started)
        chosen_trace_id.reset(chosen)
        if not span.is_recording():
            return False
        self._span = span
        self.mark("parsed")
        _enter(span)
        return True

    def end(self, status: int, refused: str | None = None) -> None:
        """Ends the span, when the request was answered. `refused`: the word for why, if it was refused."""
        span = self._span
        if span is None:
            return
        now = time.time_ns()
        if refused is not None:
            self._marks.append((refused, now))
        if refused is not None or now - self._started >= SLOW_NS:
            for name, at in self._marks:
                span.add_event(name, None, at)
        if self._way.status is not None:
            span.set_attribute(self._way.status, status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(now)


class AttemptTrace:
    """The span of one run of a delivery."""

    __slots__ = ("_began", "_span", "traceparent")

    def __init__(self, span: Span, began: int, traceparent: str) -> None:
        """`began`: in nanoseconds since 1970. `traceparent`: that of the request, for later attempts."""
        self._span = span
        self._began = began
        self.traceparent = traceparent

    def found(self, listener: str) -> None:
        """Records the listener that Bolt has found and that begins now."""
        self._span.set_attribute("code.function.name", listener)
        if time.time_ns() - self._began >= SLOW_NS:  # a middleware took that long
            self._span.add_event("listener")

    def event(self, name: str) -> None:
        """Adds an event to the span."""
        self._span.add_event(name)

    def end(self, outcome: str, error: BaseException | None = None) -> None:
        """Ends the span, once. Of an error only the class is recorded: messages may quote what was sent."""
        span = self._span
        if not span.is_recording():
            return
        span.set_attribute("anchorbolt.outcome", outcome)
        if error is not None:
            span.set_attribute("error.type", type(error).__name__)
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
    above = _read(parent)
    if parent is not None and above is not None:
        now = time.time_ns()
        span = tracer.start_span(f"process {kind}", _below(above), SpanKind.CONSUMER, start_time=now)
        if span.is_recording():
            span.set_attribute("messaging.message.id", key)
            if attempt > 1:
                span.set_attribute("anchorbolt.attempt", attempt)
            if received_at is not None and now / 1e9 - received_at >= SLOW_NS / 1e9:
                span.set_attribute("anchorbolt.wait_seconds", now / 1e9 - received_at)
            _enter(span)
            return AttemptTrace(span, now, parent)
    if is_traced():  # this task has run a delivery before
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
        if status is not None and status != 200:
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
    span = tracer.start_span(method, None, SpanKind.CLIENT)
    span.set_attribute("url.full", base_url + method)  # for one attribute, in half the time of a dict at the start
    return CallTrace(span)


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


def _read(parent: str | None) -> SpanContext | None:
    """Returns the span that a traceparent names, or None where there is none or it is malformed."""
    found = _TRACEPARENT.fullmatch(parent) if parent is not None else None
    if found is None or found[1] == "ff" or (found[1] == "00" and found[5]):
        return None
    above = SpanContext(int(found[2], 16), int(found[3], 16), is_remote=True, trace_flags=TraceFlags(int(found[4], 16)))
    return above if above.is_valid else None


def _below(above: SpanContext | None) -> Context:
    """Returns the context for a span under that one."""
    return trace.set_span_in_context(NonRecordingSpan(above), Context()) if above is not None else _NO_PARENT
