"""A span of ours is what a listener expects of OpenTelemetry's API."""

from __future__ import annotations

from anchorbolt.telemetry.span import MOST, OwnSpan
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.status import Status

TRACE, ABOVE = 0x1234567890ABCDEF1234567890ABCDEF, 0x1234567890ABCDEF


def begun(into: list[OwnSpan] | None = None) -> OwnSpan:
    """A span that runs."""
    ended = into if into is not None else []
    return OwnSpan("name", SpanKind.CONSUMER, (TRACE, ABOVE), {}, ended.append)


def test_a_span_ends_once() -> None:
    """Whoever ends it first is heard; it is handed on once, and nothing changes it any more."""
    ended: list[OwnSpan] = []
    span = begun(ended)
    assert span.is_recording()
    span.end(span.began + 5)
    span.end()
    span.set_attribute("late", 1)
    span.add_event("late")
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    assert ended == [span]
    assert not span.is_recording()
    assert span.ended == span.began + 5
    assert (span.attributes, span.events, span.name, span.status) == ({}, [], "name", StatusCode.UNSET)


def test_what_a_listener_adds_is_kept() -> None:
    """Attributes, events, a status, a name: as the API has them, with OK as the last word on a status."""
    span = begun()
    span.set_attributes({"a": 1, "b": "two"})
    span.set_attribute("a", 3)
    span.add_event("event", {"c": True}, timestamp=7)
    span.set_status(Status(StatusCode.ERROR, "because"))
    assert (span.status, span.description) == (StatusCode.ERROR, "because")
    span.set_status(StatusCode.OK)
    span.set_status(StatusCode.ERROR)
    span.update_name("other")
    assert (span.attributes, span.events) == ({"a": 3, "b": "two"}, [("event", 7, {"c": True})])
    assert (span.status, span.name) == (StatusCode.OK, "other")


def test_a_span_is_bounded() -> None:
    """A listener that adds for ever does not grow the process; what is known already may still change."""
    span = begun()
    for number in range(MOST + 50):
        span.set_attribute(f"a{number}", number)
        span.add_event(f"e{number}")
    span.set_attribute("a0", "changed")
    assert (len(span.attributes), len(span.events)) == (MOST, MOST)
    assert span.attributes["a0"] == "changed"


def test_an_exception_is_told_without_secrets() -> None:
    """A listener that records an exception finds its class, message and traceback, with tokens taken out."""
    span = begun()
    try:
        raise ValueError("no xoxb-1234567890-abcdef here")
    except ValueError as error:
        span.record_exception(error, {"more": 1})
    ((name, _, attributes),) = span.events
    assert attributes is not None
    assert (name, attributes["exception.type"], attributes["more"]) == ("exception", "ValueError", 1)
    assert attributes["exception.message"] == "no (redacted) here"
    assert "xoxb-" not in str(attributes)
    assert "test_span.py" in attributes["exception.stacktrace"]


def test_spans_of_the_sdk_go_under_it() -> None:
    """A span that a listener begins by the SDK is a child of ours, in the same trace, and sampled as it is."""
    span = begun()
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("a listener's")
    with trace.use_span(span), tracer.start_as_current_span("child") as child:
        found = child.get_span_context()
        above = child.parent  # type: ignore[attr-defined] # the SDK's
    assert (found.trace_id, above.span_id) == (TRACE, span.span_id)
    assert found.trace_flags.sampled
    assert span.get_span_context().is_valid
    assert span.get_span_context() is span.get_span_context()


def test_every_span_has_an_id_of_its_own() -> None:
    """No two of a thousand spans have the same id, and none has the invalid one."""
    ids = {begun().span_id for _ in range(1_000)}
    assert len(ids) == 1_000
    assert 0 not in ids
