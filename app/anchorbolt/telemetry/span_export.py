"""What spans go through on their way to the collector: a queue that counts, and a last look at what is in them.

The queue, its thread and the sending are OpenTelemetry's SDK's. A collector that is away or too slow costs spans, never
a delivery: while it takes none, no trace begins but one that finds out whether it is back.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from anchorbolt.settings.otel import Collector
from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger
from anchorbolt.telemetry.redact import SECRET_FIELDS, without_secrets
from anchorbolt.telemetry.secret_patterns import REDACTED

log = get_logger("telemetry")

SAID_EVERY_SECONDS = 60.0
MOST_KNOWN = 2_000
NUMBERS = frozenset({bool, int, float})
INT64 = range(-(2**63), 2**63)
# The attribute with a delivery's key. That of a command holds its trigger_id: one looks the delivery up by it.
KEY = "messaging.message.id"
_OF_THE_SDK = (MappingProxyType, BoundedAttributes)


class RedactingExporter(SpanExporter):
    """Redacts what listeners have put into spans, sends them by another exporter, and counts what that did not take.

    The SDK calls it in its own thread, one batch at a time.
    """

    def __init__(self, exporter: SpanExporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._exporter = exporter
        self._clock = clock
        self._quiet_until = 0.0
        self._known: set[str] = set()  # texts in which nothing is to be redacted
        self.is_away = False
        self.taken = 0  # from the queue

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports a batch of spans without their secrets, and counts what the collector did not take."""
        self.taken += len(spans)
        batch = self._clean(spans)
        if not batch:
            return SpanExportResult.SUCCESS
        result = self._exporter.export(batch)
        self.is_away = result is not SpanExportResult.SUCCESS
        if self.is_away:
            self.gave_up(len(batch), "not_sent")
        return result

    def shutdown(self) -> None:
        """Shuts the exporter behind this one down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Has the exporter behind this one send what it holds. Returns whether it did within `timeout_millis`."""
        return self._exporter.force_flush(timeout_millis)

    def gave_up(self, spans: int, reason: str) -> None:
        """Counts spans that the collector does not get, and says so once a minute."""
        metrics.spans_dropped.add(reason, amount=spans)
        if self._clock() >= self._quiet_until:
            self._quiet_until = self._clock() + SAID_EVERY_SECONDS
            log.warning(
                "spans were dropped: the collector did not take them; deliveries go on without",
                reason=reason,
                advice="look at OTEL_EXPORTER_OTLP_ENDPOINT and at the collector; anchorbolt_spans_dropped counts them",
            )

    def _clean(self, spans: Sequence[ReadableSpan]) -> Sequence[ReadableSpan]:
        """Looks at the texts of a batch at once, because nearly always nothing is to be redacted in any of them."""
        texts, keys = set[str](), set[str]()
        if all(_is_plain(span, texts, keys) for span in spans):
            texts -= self._known  # names, methods, URLs: most come again and again
            if _has_nothing("\n".join(texts)) and _has_nothing("\n".join(keys), trigger_ids=False):
                self._known = self._known | texts if len(self._known) < MOST_KNOWN else texts
                return spans
        found = []
        for span in spans:
            try:
                found.append(_cleaned(span))
            except Exception:  # a listener may have set anything; the others of the batch shall arrive
                self.gave_up(1, "unreadable")
        return found


class SpanQueue(BatchSpanProcessor):
    """The SDK's queue of spans, which counts what it has no room for. Its thread starts with it."""

    def __init__(self, exporter: SpanExporter, collector: Collector) -> None:
        """`collector`: how many spans may wait, and when they are sent."""
        self.redacting = RedactingExporter(exporter)
        self._most = collector.queue_spans
        self._numbers = itertools.count(1)  # spans may end in any thread
        self._put = 0
        super().__init__(
            self.redacting,
            max_queue_size=collector.queue_spans,
            schedule_delay_millis=1_000 * collector.delay_seconds,
            max_export_batch_size=min(collector.batch_spans, collector.queue_spans),
        )

    @property
    def is_full(self) -> bool:
        """Whether no trace shall begin: the queue is full, or the collector is away and one span waits to find out."""
        return self._put - self.redacting.taken >= (1 if self.redacting.is_away else self._most)

    def on_end(self, span: ReadableSpan) -> None:
        """The SDK's own hook, in whatever thread the span ended."""
        if self._put - self.redacting.taken >= self._most:
            metrics.spans_dropped.add("queue_full")
            return
        self._put = next(self._numbers)
        super().on_end(span)


def _has_nothing(text: str, *, trigger_ids: bool = True) -> bool:
    return text.isascii() and without_secrets(text, trigger_ids=trigger_ids) == text


def _is_plain(span: ReadableSpan, texts: set[str], keys: set[str]) -> bool:
    """Adds to `texts` and `keys` what may hold a secret. Returns False for what is to be looked at value by value."""
    texts.add(span.name)
    if span.status.description is not None:
        texts.add(span.status.description)
    for attributes in (span.attributes, *[event.attributes for event in span.events]):
        # The SDK's own mapping runs Python code for each of its attributes; a copy of it is a dict.
        told = attributes.copy() if isinstance(attributes, _OF_THE_SDK) else attributes or {}
        for name, value in told.items():
            if type(value) is str:
                (keys if name == KEY else texts).add(value)
            elif type(value) not in NUMBERS or (type(value) is int and value.bit_length() >= 64):  # as _value has it
                return False
            if type(name) is not str:
                return False
        if not SECRET_FIELDS.isdisjoint(told):
            return False
        texts.update(told)
    return True


def _cleaned(span: ReadableSpan) -> ReadableSpan:
    """Returns a copy with secrets redacted, and without what OTLP cannot say."""
    return ReadableSpan(
        name=_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes),
        events=[Event(_text(one.name), _attributes(one.attributes), one.timestamp) for one in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, span.status.description and _text(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {_text(name): _value(name, value) for name, value in (attributes or {}).items()}


def _value(name: str, value: Any) -> Any:
    if name in SECRET_FIELDS and value is not None:
        return REDACTED
    match value:
        case str():
            return _text(value, trigger_ids=name != KEY)
        case int() if value not in INT64:
            return str(value)
        case Mapping():
            return _attributes(value)
        case Sequence() if not isinstance(value, bytes):
            return [_value(name, one) for one in value]
    return value


def _text(text: str, *, trigger_ids: bool = True) -> str:
    """Redacts, and replaces lone surrogates, which may be in what Slack sends and cannot be encoded as UTF-8."""
    return without_secrets(text.encode("utf-8", "replace").decode(), trigger_ids=trigger_ids)
