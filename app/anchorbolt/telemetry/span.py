"""A span with OpenTelemetry's API on plain lists and dicts, which costs 2 us.

The SDK's span costs 15 us, most of it for checks that are not needed for our own values (docs/decisions/0021).
Only the event loop's thread may use it.
"""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.status import Status
from opentelemetry.util.types import AttributeValue

from anchorbolt.telemetry.redact import without_secrets

SAMPLED = TraceFlags(TraceFlags.SAMPLED)
# OpenTelemetry's default limit on attributes and events, for those that listeners add.
MOST = 128

# Name, nanoseconds since 1970, attributes.
Event = tuple[str, int, Mapping[str, Any] | None]


class OwnSpan(Span):
    """One span of a sampled trace. `on_end` is called with it once, when it ends."""

    __slots__ = (
        *("trace_id", "span_id", "parent_id", "parent_is_remote", "name", "kind", "began", "ended"),
        *("attributes", "events", "status", "description", "_context", "_on_end"),
    )

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        under: tuple[int, int | None],
        attributes: dict[str, Any],
        on_end: Callable[[OwnSpan], None],
        *,
        parent_is_remote: bool = False,
        events: list[Event] | None = None,
        began: int | None = None,
    ) -> None:
        """`under`: the ids of its trace and of its parent span, which is None for a root. `began`: in nanoseconds."""
        self.name = name
        self.kind = kind
        self.trace_id, self.parent_id = under
        self.span_id = random.getrandbits(64) or 1
        self.parent_is_remote = parent_is_remote
        self.attributes = attributes
        self.events: list[Event] = [] if events is None else events
        self.began = time.time_ns() if began is None else began
        self.ended: int | None = None
        self.status = StatusCode.UNSET
        self.description: str | None = None
        self._context: SpanContext | None = None
        self._on_end = on_end

    def end(self, end_time: int | None = None) -> None:
        """Ends the span, at `end_time` in nanoseconds since 1970 or now. Only the first call has an effect."""
        if self.ended is None:
            self.ended = time.time_ns() if end_time is None else end_time
            self._on_end(self)

    def get_span_context(self) -> SpanContext:
        """Returns the span's context, which is created only when it is asked for."""
        if self._context is None:
            self._context = SpanContext(self.trace_id, self.span_id, is_remote=False, trace_flags=SAMPLED)
        return self._context

    def is_recording(self) -> bool:
        """Whether the span has not ended."""
        return self.ended is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Sets an attribute, and replaces its former value."""
        if self.ended is None and (len(self.attributes) < MOST or key in self.attributes):
            self.attributes[key] = without_secrets(value) if isinstance(value, str) else value

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Sets several attributes."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(
        self, name: str, attributes: Mapping[str, AttributeValue] | None = None, timestamp: int | None = None
    ) -> None:
        """Adds an event. `timestamp`: in nanoseconds since 1970; the default is now."""
        if self.ended is None and len(self.events) < MOST:
            self.events.append((name, time.time_ns() if timestamp is None else timestamp, attributes))

    def update_name(self, name: str) -> None:
        """Renames the span."""
        if self.ended is None:
            self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Sets the status. OK is final, as the API demands."""
        if self.ended is not None or self.status is StatusCode.OK:
            return
        if isinstance(status, Status):
            self.status, description = status.status_code, status.description
        else:
            self.status = status
        self.description = description and without_secrets(description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, AttributeValue] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Records an exception for a listener. The app itself never does, as messages may quote what was sent."""
        told = {
            "exception.type": type(exception).__qualname__,
            "exception.message": without_secrets(str(exception)),
            "exception.stacktrace": without_secrets("".join(traceback.format_exception(exception))),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", told | dict(attributes or {}), timestamp)
