"""Decides what follows from how a run ended: done, another attempt after a while, or a dead letter.

The table is that of docs/decisions/0073.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from anchorbolt.bolt import slack_error
from anchorbolt.bolt.description import describe as describe  # noqa: PLC0414 - for those who judge
from anchorbolt.errors import RunTimeoutError
from anchorbolt.inbox.lease import End
from anchorbolt.inbox.parking import PARK_SECONDS, sentence
from anchorbolt.settings.choices import AttemptPolicy
from anchorbolt.telemetry import metrics
from anchorbolt.worker import transient

# Whether such a call happened is unknown, so each further attempt may do it once more: a message appears twice.
MOST_UNKNOWN_OUTCOMES = 3
# What hangs for RUN_TIMEOUT_SECONDS mostly hangs again, and holds its lane for as long.
MOST_TIMEOUTS = 2
# By up to so large a part a backoff is shorter than it could be, so that not all come back at once. A larger one would
# make all attempts together much longer than the outage that they are to outlast (docs/decisions/0108).
JITTER = 0.25


class Reason(StrEnum):
    """Why a run failed: in the log line `delivery ended`, and a label of anchorbolt_failures_total."""

    TRANSIENT = "transient"
    UNKNOWN_OUTCOME = "unknown_outcome"
    RUN_TIMEOUT = "run_timeout"
    ERROR = "error"
    CRASHES = "crashes"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Limits:
    """How often and how long a delivery is tried.

    `attempt_on`: names of classes, and words of Slack's, that are transient beside those that are known to be.
    """

    max_attempts: int
    max_crashes: int
    backoff_base_seconds: float
    backoff_cap_seconds: float
    run_timeout_seconds: float
    attempt_policy: AttemptPolicy = AttemptPolicy.TRANSIENT
    attempt_on: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a run as the inbox writes it. `reason`: why it failed. `waits_for`: what it is parked for."""

    end: End
    error: str | None = None
    delay_seconds: float = 0
    reason: str | None = None
    waits_for: str | None = None


DONE = Verdict(End.DONE)
HANDED_BACK = Verdict(End.HANDED_BACK)


def parked(waits_for: str) -> Verdict:
    """The end of a delivery that something holds back: it has not begun, and its lane waits for that (parking.py)."""
    return Verdict(End.HELD, sentence(waits_for), PARK_SECONDS, waits_for=waits_for)


def judge(
    error: Exception | None,
    attempt: int,
    limits: Limits,
    chance: Callable[[], float] = random.random,
    *,
    is_final: bool = False,
) -> Verdict:
    """Decides what follows from a run's error, or from None.

    The backoff doubles from its base to its cap, with jitter below it. A Retry-After counts where it is longer.

    Args:
        error: what the run ended with.
        attempt: how many attempts the delivery has had with this one; those of dead processes do not count.
        limits: the settings.
        chance: a random number from 0 to 1, for the jitter.
        is_final: no further attempt, whatever the error: Slack was told already how a workflow step ended.
    """
    if error is None:
        return DONE
    reason = _reason(error, limits)
    said = describe(error)
    if is_final or attempt >= _most_attempts(reason, limits):
        return Verdict(End.DEAD, said, reason=reason)
    backoff = min(limits.backoff_cap_seconds, limits.backoff_base_seconds * 2 ** min(attempt - 1, 30))
    delay = backoff * (1 - JITTER + chance() * JITTER)
    return Verdict(End.RETRY, said, max(delay, transient.retry_after_seconds(error) or 0), reason)


def _reason(error: Exception, limits: Limits) -> Reason:
    if isinstance(error, RunTimeoutError):
        return Reason.RUN_TIMEOUT
    kind = transient.kind_of(error, limits.attempt_on)
    if kind is transient.Kind.PERMANENT:
        for link in transient.chain(error):
            if (word := slack_error.unknown_word(link)) is not None:
                metrics.unknown_words.add(word)
        return Reason.ERROR
    return Reason(kind.value)


def _most_attempts(reason: Reason, limits: Limits) -> int:
    match limits.attempt_policy:
        case AttemptPolicy.ALL:
            return limits.max_attempts
        case AttemptPolicy.NONE:
            return 1
        case AttemptPolicy.TRANSIENT:
            most = {
                Reason.TRANSIENT: limits.max_attempts,
                Reason.UNKNOWN_OUTCOME: MOST_UNKNOWN_OUTCOMES,
                Reason.RUN_TIMEOUT: MOST_TIMEOUTS,
            }
            return min(most.get(reason, 1), limits.max_attempts)
