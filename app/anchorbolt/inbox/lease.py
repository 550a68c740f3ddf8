"""What a process holds while it runs a delivery: the lease on its lane, and the delivery as it was stored.

Nobody changes these, so that they may be hashed, though they are not frozen: a frozen dataclass takes four times as
long to make, and each delivery makes six.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Lease(NamedTuple):
    """One claim of one lane by this process. The epoch tells it from every other claim of this process."""

    lane: str
    epoch: int


@dataclass(slots=True, unsafe_hash=True)
class Stored:
    """A live delivery as the inbox has it, counted as an attempt already."""

    id: int
    key: str
    kind: str
    content_type: str
    body: str = field(repr=False)
    traceparent: str | None
    headers: str | None = field(repr=False)  # the text of a JSON object
    workspace: str | None
    conversation: str | None
    received_at: float
    attempts: int
    crashes: int
    listener: str | None  # that an attempt before this one was for

    @property
    def tries(self) -> int:
        """The attempts that count against MAX_ATTEMPTS: a dead process's are counted apart, as crashes."""
        return self.attempts - self.crashes


@dataclass(slots=True, unsafe_hash=True)
class Held:
    """A delivery that this process may run now."""

    lease: Lease
    stored: Stored
    sent_at: float  # on our monotonic clock, before the lease was asked for: it surely holds until then + its length
    taken_over: bool = False  # from an owner whose lease ran out
    cancelled_by: str | None = None  # it was cancelled before this claim, by whom: it must not begin


class End(StrEnum):
    """How a run ended, for the inbox."""

    DONE = "done"
    DEAD = "dead"
    RETRY = "retry"  # an attempt failed: its lane waits for the backoff
    HANDED_BACK = "handed back"  # cut short without being at fault: not an attempt
    HELD = "held"  # not begun, because something holds it back (parking.py): not an attempt, and its lane waits
    CANCELLED = "cancelled"  # by an operator, or by a listener of an urgent event: not a failure, and not run again


# Ends that take the attempt back.
NO_ATTEMPT = frozenset({End.HANDED_BACK, End.HELD})


@dataclass(slots=True, unsafe_hash=True)
class Outcome:
    """What to write of a run that ended. `go_on`: keep the lane, and take its next delivery.

    `attempt`: which one of the delivery's it was; where a commit is in doubt, it tells our end from another's.
    `waits_for`: what the lane waits for beside the delay (parking.py). `listener`: what the run was for, if known.
    `record`: of the attempt, a line of the delivery's history (history.py).
    """

    lease: Lease
    id: int
    end: End
    error: str | None = None
    delay_seconds: float = 0
    go_on: bool = False
    attempt: int = 0
    waits_for: str | None = None
    listener: str | None = None
    record: str | None = field(default=None, repr=False)
