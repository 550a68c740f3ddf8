"""Metrics and trace of one request: how it was answered, and how soon."""

from __future__ import annotations

from anchorbolt.delivery import Control, Delivery, Kind
from anchorbolt.errors import RefusedError
from anchorbolt.telemetry import metrics, traces

REASONS = frozenset(metrics.RETRY_REASONS)


class Sighting:
    """Counts and traces one request. `arrived` is on the event loop's clock."""

    __slots__ = ("arrived", "kind", "trace")

    def __init__(self, arrived: float, way: traces.Way) -> None:
        self.arrived = arrived
        self.kind: str | None = None
        self.trace = traces.begin_request(way)

    def mark(self, step: str) -> None:
        """Notes in the trace that a step is done."""
        if self.trace is not None:
            self.trace.mark(step)

    def parsed(
        self,
        found: Delivery | Control,
        retry_reason: str | None,
        traceparent: str | None,
        request_id: str | None = None,
    ) -> None:
        """Notes what the request is.

        `retry_reason`: Slack's header. `traceparent`: the header of an ingress. `request_id`: its header, or ours.
        """
        self.kind = str(found.kind) if isinstance(found, Delivery) else str(Kind.CONTROL)
        if self.trace is not None:
            key = found.key if isinstance(found, Delivery) else None
            if not self.trace.identify(self.kind, found.type, key, traceparent, request_id):
                self.trace = None
        if retry_reason is not None:
            metrics.slack_retries.add(retry_reason if retry_reason in REASONS else "other")

    def answered(self, status: int, now: float) -> None:
        """Counts the request as answered; the answer is about to be sent."""
        if self.kind is not None:
            metrics.answered(self.kind, status, now - self.arrived)
        if self.trace is not None:
            self.trace.end(status)

    def refused(self, refusal: RefusedError, now: float) -> None:
        """Counts a refusal. It counts as an answer to Slack only if the request is known to be Slack's."""
        metrics.refused.add(refusal.word)
        if self.kind is not None:
            metrics.answered(self.kind, refusal.status, now - self.arrived)
        if self.trace is not None:
            self.trace.end(refusal.status, refusal.word)


def turned_away(refusal: RefusedError) -> None:
    """Counts a request that was refused before anything of it was read. It counts as one of Slack's."""
    metrics.refused.add(refusal.word)
    metrics.answered(metrics.UNKNOWN, refusal.status, 0.0)
