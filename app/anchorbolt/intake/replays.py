"""Interactions that come again: a second request with the `trigger_id` of one that came before.

Slack sends no command, click or view twice, but a signed request can be sent again by whoever has it, for as long as
its signature is valid, and Socket Mode may repeat an envelope. The first one runs, and its answer is kept for those
that follow (docs/decisions/0075). Memory is bounded: the oldest answers are forgotten first, then the oldest keys.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sized
from typing import Protocol

from anchorbolt.delivery import Delivery
from anchorbolt.delivery.kinds import OPTIONS
from anchorbolt.errors import RefusedError

# A signature is valid for five minutes after its timestamp; clocks may differ by a little.
REMEMBERED_SECONDS = 330.0
MOST_KEYS = 20_000
MOST_BYTES = 4 * 1024 * 1024  # of answers
MOST_BYTES_EACH = 64 * 1024


class Answer(Protocol):
    """Bolt's answer, in the type of the transport. A status below 300 tells Slack that the delivery is done."""

    @property
    def status_code(self) -> int:
        """The status of the answer, as over HTTP."""

    @property
    def body(self) -> Sized:
        """Its bytes or its text."""


def has_trigger(delivery: Delivery) -> bool:
    """Returns whether a request that comes again can be told by its key. Options have none: each is a new question."""
    trigger_id = delivery.payload.get("trigger_id")
    return delivery.kind is not OPTIONS and isinstance(trigger_id, str) and bool(trigger_id)


class First:
    """The first request of a key. `answer` is None while it is not known, and where it is forgotten."""

    __slots__ = ("_over", "answer", "at", "is_over", "refusal", "size")

    def __init__(self, at: float) -> None:
        self.at = at
        self.is_over = False
        self.answer: Answer | None = None
        self.refusal: RefusedError | None = None
        self.size = 0
        self._over: asyncio.Event | None = None  # made when somebody waits

    async def wait(self) -> None:
        """Returns when it was answered or refused."""
        if not self.is_over:
            self._over = self._over or asyncio.Event()
            await self._over.wait()

    def end(self) -> None:
        """Lets those go on that wait."""
        self.is_over = True
        if self._over is not None:
            self._over.set()


class Replays:
    """The interactions of the last five minutes, by their keys."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._firsts: dict[str, First] = {}  # the oldest first
        self._answers: dict[str, First] = {}  # those whose answer is kept, the oldest first
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._firsts)

    def find(self, key: str) -> First | None:
        """Returns the first request of a key, if it came in the last five minutes."""
        self._forget_old()
        return self._firsts.get(key)

    def begin(self, key: str) -> First:
        """Remembers a first request; `answered` or `refused` must follow."""
        if len(self._firsts) >= MOST_KEYS:
            self._forget(next(iter(self._firsts)))
        first = self._firsts[key] = First(self._clock())
        return first

    def answered(self, key: str, first: First, answer: Answer | None) -> None:
        """Keeps an answer for Slack's retries.

        Args:
            key: the idempotency key.
            first: what `begin` returned for it.
            answer: None: nothing ran, because it was stored before, and its answer is not known here.
        """
        size = len(answer.body) if answer is not None else 0
        if answer is not None and size <= MOST_BYTES_EACH:
            first.answer, first.size = answer, size
            if self._firsts.get(key) is first:
                self._answers[key] = first
                self._bytes += size
            while self._bytes > MOST_BYTES:
                self._forget_answer(next(iter(self._answers)))
        first.end()

    def refused(self, first: First, refusal: RefusedError) -> None:
        """Keeps the refusal of the `first` of equal requests, for those that wait for its answer."""
        first.refusal = refusal.copy()
        first.end()

    def _forget_old(self) -> None:
        oldest = self._clock() - REMEMBERED_SECONDS
        while self._firsts:
            key, first = next(iter(self._firsts.items()))
            if first.at > oldest:
                return
            self._forget(key)

    def _forget(self, key: str) -> None:
        del self._firsts[key]
        if key in self._answers:
            self._forget_answer(key)

    def _forget_answer(self, key: str) -> None:
        first = self._answers.pop(key)
        first.answer = None
        self._bytes -= first.size
