"""One trace a delivery: the request, and each attempt under it, also in another pod, with every Web API call.

A span costs 40 us with its way to the collector, an event in it two: so there is a span for the request, for each
attempt and for each call, and what happens within them is told by events (docs/decisions/0021). With traces
off everything here is one look at a variable. No text, token or URL from a payload goes into a span.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer
from opentelemetry.trace.status import Status
from opentelemetry.util.types import AttributeValue

_tracer: Tracer | None = None
_chooses: Callable[[], bool] | None = None

# What of a listener's own runs in a delivery that is not traced begins no trace of its own.
_NOT_TRACED = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 1, is_remote=False)), Context())
_FAILED = Status(StatusCode.ERROR)


def switch(tracer: Tracer | None, chooses: Callable[[], bool] | None = None) -> None:
    """On with a tracer, off with None. `chooses`: whether the next trace is wanted; cheaper than to begin it."""
    global _tracer, _chooses
    _tracer, _chooses = tracer, chooses


class RequestTrace:
    """The span of a request, and what happened in it; kept for those requests alone that are traced."""

    __slots__ = ("_marks", "_span", "_started")

    def __init__(self) -> None:
        self._started = time.time_ns()
        self._marks: list[tuple[str, int]] = []
        self._span: Span | None = None

    def mark(self, name: str) -> None:
        """A step is done."""
        if self._span is None:
            self._marks.append((name, time.time_ns()))
        else:
            self._span.add_event(name)

    def identify(self, kind: str, slack_type: str, key: str | None, parent: str | None) -> bool:
        """The request is Slack's: whether it is traced is decided now. `parent`: a traceparent from an ingress."""
        under = _under(parent)
        if _tracer is None or (under is None and _chooses is not None and not _chooses()):
            return False
        # Each attribute costs as much as an event: those that somebody looks for.
        attributes: dict[str, AttributeValue] = {
            "http.request.method": "POST",
            "slack.kind": kind,
            "slack.type": slack_type,
        }
        if key is not None:
            attributes["messaging.message.id"] = key
        span = _tracer.start_span(
            "POST /slack/events",
            under or Context(),
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=self._started,
        )
        if not span.is_recording():
            return False
        self._span = span
        context.attach(trace.set_span_in_context(span, Context()))
        for name, at in self._marks:
            span.add_event(name, timestamp=at)
        return True

    def end(self, status: int) -> None:
        """It was answered."""
        if self._span is not None:
            self._span.set_attribute("http.response.status_code", status)
            if status >= 500:
                self._span.set_status(_FAILED)
            self._span.end()


class AttemptTrace:
    """The span of one run of a delivery."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Span, traceparent: str) -> None:
        """`traceparent`: of the request, for the attempts that may follow."""
        self._span = span
        self.traceparent = traceparent

    def found(self, listener: str) -> None:
        """Bolt has found the listener, which begins now."""
        self._span.set_attribute("code.function.name", listener)
        self._span.add_event("listener")

    def event(self, name: str) -> None:
        """Something of interest happened."""
        self._span.add_event(name)

    def end(self, outcome: str, error: BaseException | None = None) -> None:
        """It is over; the first word counts. Of an error its class is told: a message may quote what was sent."""
        if not self._span.is_recording():
            return
        self._span.set_attribute("anchorbolt.outcome", outcome)
        if error is not None:
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(_FAILED)
        self._span.end()


def begin_request() -> RequestTrace | None:
    """None while traces are off."""
    return RequestTrace() if _tracer is not None else None


def traceparent() -> str | None:
    """What links an attempt to the request of this task, if that is traced: https://www.w3.org/TR/trace-context/"""
    if _tracer is None:
        return None
    found = trace.get_current_span().get_span_context()
    if not found.trace_flags.sampled:
        return None
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def begin_attempt(
    parent: str | None, kind: str, key: str, attempt: int, *, received_at: float | None = None
) -> AttemptTrace | None:
    """The run of a delivery begins in this task; None if its request is not traced.

    `parent` is the request's traceparent, `received_at` is in seconds since 1970.
    """
    if _tracer is None:
        return None
    under = _under(parent)
    if parent is None or under is None:
        context.attach(_NOT_TRACED)
        return None
    attributes: dict[str, AttributeValue] = {
        "messaging.message.id": key,
        "slack.kind": kind,
        "anchorbolt.attempt": attempt,
    }
    if received_at is not None:
        attributes["anchorbolt.wait_seconds"] = max(0.0, time.time() - received_at)
    span = _tracer.start_span(f"process {kind}", under, kind=SpanKind.CONSUMER, attributes=attributes)
    context.attach(trace.set_span_in_context(span, Context()))
    return AttemptTrace(span, parent) if span.is_recording() else None


class CallTrace:
    """The span of one call of the Web API, with its retries."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token = context.attach(trace.set_span_in_context(span))

    def end(self, result: str, status: int | None) -> None:
        """`result`: ok, or Slack's error. `status`: of the last HTTP response, if there was one."""
        context.detach(self._token)
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if result != "ok":
            self._span.set_attribute("error.type", result)
            self._span.set_status(_FAILED)
        self._span.end()


def begin_call(method: str, base_url: str) -> CallTrace | None:
    """None where the run that calls is not traced."""
    if _tracer is None or not trace.get_current_span().is_recording():
        return None
    attributes: dict[str, AttributeValue] = {"http.request.method": "POST", "url.full": base_url + method}
    return CallTrace(_tracer.start_span(method, kind=SpanKind.CLIENT, attributes=attributes))


def call_sent_again(times: int, status: int | None) -> None:
    """The call of this task is sent again."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute("http.request.resend_count", times)
        span.add_event("sent again", {"http.response.status_code": status} if status is not None else None)


def _under(parent: str | None) -> Context | None:
    """The context that a traceparent names; None if it names none, or one that is not traced."""
    if parent is None:
        return None
    try:
        _, trace_id, span_id, flags = parent.split("-")
        found = SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags[:2], 16))
        )
    except ValueError:
        return None
    if not found.is_valid or not found.trace_flags.sampled:
        return None
    return trace.set_span_in_context(NonRecordingSpan(found), Context())
