"""Metrics and trace of one request: how it was answered, and how soon."""

from __future__ import annotations

from collections.abc import Mapping

from anchorbolt.delivery import Control, Delivery
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

    def parsed(self, found: Delivery | Control, headers: Mapping[bytes, bytes], request_id: str) -> None:
        """Notes what the request is.

        `headers`: those of the request, which may hold Slack's reason for a retry and an ingress's traceparent.
        `request_id`: the ingress's, or ours.
        """
        self.kind = str(found.kind)
        if self.trace is not None:
            traceparent = headers.get(b"traceparent", b"").decode("latin-1")
            if not self.trace.identify(self.kind, found.type, found.key, traceparent or None, request_id):
                self.trace = None
        if (raw := headers.get(b"x-slack-retry-reason")) is not None:
            reason = raw.decode("latin-1")
            metrics.slack_retries.add(reason if reason in REASONS else "other")

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
