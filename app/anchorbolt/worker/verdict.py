"""Decides what follows from how a run ended: done, another attempt after a while, or a dead letter."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from anchorbolt.bolt import slack_error
from anchorbolt.bolt.description import describe as describe  # noqa: PLC0414 - for those who judge
from anchorbolt.inbox.lease import End


@dataclass(frozen=True, slots=True)
class Limits:
    """How often and how long a delivery is tried."""

    max_attempts: int
    max_crashes: int
    backoff_base_seconds: float
    backoff_cap_seconds: float
    run_timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a run as the inbox writes it."""

    end: End
    error: str | None = None
    delay_seconds: float = 0


DONE = Verdict(End.DONE)
HANDED_BACK = Verdict(End.HANDED_BACK)


def judge(
    error: Exception | None, attempt: int, limits: Limits, chance: Callable[[], float] = random.random
) -> Verdict:
    """Decides what follows from a run's error, or from None.

    The backoff doubles from its base to its cap, with jitter below it. Slack's Retry-After counts where it is longer.
    """
    if error is None:
        return DONE
    said = describe(error)
    if slack_error.is_permanent(error) or attempt >= limits.max_attempts:
        return Verdict(End.DEAD, said)
    backoff = min(limits.backoff_cap_seconds, limits.backoff_base_seconds * 2 ** min(attempt - 1, 30))
    delay = backoff * (0.5 + chance() / 2)
    return Verdict(End.RETRY, said, max(delay, slack_error.retry_after_seconds(error) or 0))
