"""Encodes spans for OTLP. Imported only when traces are sent.

Most spans share their attributes with others, so encoded attributes are cached. A span is created inside its message,
because copying it there would cost as much again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, SpanFlags

from anchorbolt.telemetry.span import OwnSpan

# Attributes whose values are hardly ever the same twice, so they are not cached.
UNIQUE = frozenset({"messaging.message.id", "anchorbolt.wait_seconds"})
KEPT = 1_024
# Plain numbers, because an enum of protobuf is looked up at each use.
LOCAL = int(SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
REMOTE = LOCAL | int(SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
INT64 = range(-(2**63), 2**63)


def begin(request: ExportTraceServiceRequest, resource: Mapping[str, Any], scope: str) -> ScopeSpans:
    """Adds to a request the part that holds our spans. `resource`: the attributes of this process."""
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.extend(_attributes(resource))
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = scope
    return of_scope


def add(of_scope: ScopeSpans, span: OwnSpan) -> None:
    """Adds a span that has ended. Where it raises, nothing was added."""
    parent_id, status = span.parent_id, span.status.value
    attributes = _attributes(span.attributes)
    events = [(text(name), at, _attributes(told) if told else None) for name, at, told in span.events]
    added = of_scope.spans.add(
        trace_id=span.trace_id.to_bytes(16, "big"),
        span_id=span.span_id.to_bytes(8, "big"),
        parent_span_id=None if parent_id is None else parent_id.to_bytes(8, "big"),
        name=text(span.name),
        kind=span.kind.value + 1,  # OTLP counts from one
        start_time_unix_nano=span.began,
        end_time_unix_nano=span.ended,
        flags=REMOTE if span.parent_is_remote else LOCAL,
    )
    added.attributes.extend(attributes)
    for name, at, told in events:
        added.events.add(name=name, time_unix_nano=at, attributes=told)
    if status:
        added.status.code = status  # type: ignore[assignment] # the same numbers
        added.status.message = text(span.description or "")


def text(value: str) -> str:
    """Replaces lone surrogates, which may be in what Slack sends and cannot be encoded as UTF-8."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _attributes(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [
        _known(key, value) if isinstance(value, str | int) and key not in UNIQUE else _attribute(key, value)
        for key, value in attributes.items()
    ]


def _attribute(key: str, value: Any) -> KeyValue:
    return KeyValue(key=text(key), value=_value(value))


# Typed, because 1 and True are the same key otherwise.
_known = lru_cache(KEPT, typed=True)(_attribute)


def _value(value: Any) -> AnyValue:
    """Encodes a value. One of a type that OTLP does not have, which a listener may set, is left empty."""
    found = AnyValue()
    match value:
        case str():
            found.string_value = text(value)
        case bool():
            found.bool_value = value
        case int() if value in INT64:
            found.int_value = value
        case float():
            found.double_value = value
        case bytes():
            found.bytes_value = value
        case Sequence():
            found.array_value.CopyFrom(ArrayValue(values=[_value(one) for one in value]))
    return found
