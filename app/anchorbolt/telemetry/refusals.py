"""Logs at most once a minute that requests are refused, because a wrong signing secret refuses all of them."""

from __future__ import annotations

import time
from collections.abc import Callable

from anchorbolt.telemetry import metrics
from anchorbolt.telemetry.logs import get_logger

log = get_logger("telemetry")

EVERY_SECONDS = 60.0

# What an operator can do. Other reasons come from clients that are not Slack, or have a log line of their own.
ADVICE = {
    "bad_signature": "compare SLACK_SIGNING_SECRET with Basic Information of the Slack app; or a proxy changes bodies",
    "stale_timestamp": "set the clock of this machine",
    "missing_signature": "does a proxy take X-Slack-Signature or X-Slack-Request-Timestamp away? Else it was not Slack",
    "overloaded": "add pods, or find the listeners that take long to ack(); MAX_IN_FLIGHT requests are being worked on",
    "slow_body": "look at the network in front of the pods",
    "bad_http": "not from Slack, unless a proxy in front speaks TLS or HTTP/2 to this port",
    "bad_payload": "look in Slack's changelog for a payload that changed; update slack-bolt",
}


class Refusals:
    """Watches the counters, so that refusing a request costs no more than counting it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._quiet_until = self._began
        self._refused, self._answered = _counted()

    def turn(self) -> None:
        """Logs new refusals: the first at once, later ones a minute after that. To be called from time to time."""
        now = self._clock()
        if now < self._quiet_until:
            return
        refused, answered = _counted()
        new = {word: count - self._refused.get(word, 0) for word, count in refused.items()}
        by_reason = {word: count for word, count in new.items() if count > 0}
        if by_reason:
            log.warning(
                "requests refused",
                refused=sum(by_reason.values()),
                by_reason=by_reason,
                answered=answered - self._answered,
                within_seconds=round(now - self._began),
                advice="; ".join(f"{word}: {ADVICE[word]}" for word in by_reason),
            )
            self._quiet_until = now + EVERY_SECONDS
        if by_reason or now - self._began >= EVERY_SECONDS:
            self._began, self._refused, self._answered = now, refused, answered


def _counted() -> tuple[dict[str, int], int]:
    """Returns the refusals by reason, of the reasons in ADVICE, and the number of successful answers."""
    refused = {word: int(metrics.refused.value(word)) for word in ADVICE}
    return refused, int(sum(count for (_, result), count in metrics.answers.read() if result in ("ok", "late")))
