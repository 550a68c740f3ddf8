"""What is written of a span is what OpenTelemetry's SDK would write of it."""

from __future__ import annotations

from typing import Any

import pytest
from anchorbolt.telemetry import otlp_spans
from anchorbolt.telemetry.span import OwnSpan
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.status import Status

RESOURCE = {"service.name": "anchorbolt", "service.instance.id": "pod-0"}
TRACE, ABOVE = 0x0234567890ABCDEF1234567890ABCDEF, 0x0034567890ABCDEF

Values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats()
)


def ended(
    attributes: dict[str, Any] | None = None, parent: int | None = ABOVE, *, remote: bool = False, kind: SpanKind
) -> OwnSpan:
    """A span of ours, at its end."""
    span = OwnSpan("a name", kind, (TRACE, parent), attributes or {}, lambda span: None, parent_is_remote=remote)
    span.add_event("listener", timestamp=span.began + 1)
    span.add_event("sent again", {"http.response.status_code": 429}, timestamp=span.began + 2)
    if kind is SpanKind.CLIENT:
        span.set_status(StatusCode.ERROR, "because")
    span.end(span.began + 3)
    return span


def ours(*spans: OwnSpan) -> ExportTraceServiceRequest:
    """As we write it."""
    request = ExportTraceServiceRequest()
    of_scope = otlp_spans.begin(request, RESOURCE, "anchorbolt")
    for span in spans:
        otlp_spans.add(of_scope, span)
    return request


def theirs(span: OwnSpan) -> ExportTraceServiceRequest:
    """As the SDK writes one of its own that says the same."""
    parent = SpanContext(TRACE, span.parent_id, span.parent_is_remote, TraceFlags(1)) if span.parent_id else None
    request = encode_spans(
        [
            ReadableSpan(
                span.name,
                context=span.get_span_context(),
                parent=parent,
                resource=Resource(RESOURCE),
                attributes=span.attributes,
                events=[Event(name, told, at) for name, at, told in span.events],
                kind=span.kind,
                status=Status(span.status, span.description),
                start_time=span.began,
                end_time=span.ended,
                instrumentation_scope=InstrumentationScope("anchorbolt"),
            )
        ]
    )
    if span.status is StatusCode.UNSET:
        request.resource_spans[0].scope_spans[0].spans[0].ClearField("status")  # an empty one says as much as none
    return request


@pytest.mark.parametrize("kind", list(SpanKind))
@pytest.mark.parametrize(("parent", "remote"), [(None, False), (ABOVE, False), (ABOVE, True)])
def test_it_is_what_the_sdk_writes(kind: SpanKind, parent: int | None, remote: bool) -> None:
    """Ids, times, kind, parent, flags, events, status and attributes of every type: the same message as the SDK's."""
    attributes = {"text": "ü", "yes": True, "one": 1, "half": 0.5, "many": ("a", "b"), "messaging.message.id": "A:Ev1"}
    span = ended(attributes, parent, remote=remote, kind=kind)
    assert ours(span) == theirs(span)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), Values))
def test_any_attribute_is_written_as_it_is(attributes: dict[str, Any]) -> None:
    """Whatever a listener sets arrives with its own type: 1 is not True, and 1.0 is not 1."""
    span = ended(attributes, kind=SpanKind.INTERNAL)
    assert ours(span).SerializeToString() == theirs(span).SerializeToString()


def test_what_otlp_cannot_say_harms_no_other_span() -> None:
    """Half of a surrogate pair, an endless number, or something else altogether: the span is written with a gap."""
    odd = {"half": "\ud800", "large": 2**80, "what": object(), "bytes": b"\xff"}
    span = ended(odd, kind=SpanKind.SERVER)
    span.name = "\udfff"
    (written,) = (
        ExportTraceServiceRequest.FromString(ours(span).SerializeToString()).resource_spans[0].scope_spans[0].spans
    )
    found = {pair.key: pair.value for pair in written.attributes}
    assert found["half"].string_value == "?"
    assert found["what"].WhichOneof("value") is None
    assert found["bytes"].bytes_value == b"\xff"
    assert written.name == "?"


def test_a_span_that_cannot_be_written_leaves_the_others() -> None:
    """What raises adds nothing: the batch goes without it."""
    request = ExportTraceServiceRequest()
    of_scope = otlp_spans.begin(request, RESOURCE, "anchorbolt")
    otlp_spans.add(of_scope, ended(kind=SpanKind.SERVER))
    with pytest.raises(AttributeError):
        otlp_spans.add(of_scope, ended({5: "a number as a name"}, kind=SpanKind.SERVER))  # type: ignore[dict-item]
    assert len(of_scope.spans) == 1
