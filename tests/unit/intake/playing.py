"""How a play is played, of whatever sort: by a seed, on a loop whose time leaps, so that it takes its course again.

`SEEDS=1000-2000` plays others than those of every day.
"""

from __future__ import annotations

import abc
import asyncio
import os
import random
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row

from tests.support.leaping_loop import LeapingLoop

MOST_SECONDS = 600  # of the loop's time: whatever waits longer waits for ever


# Of the database and of runs: these are errors in the log, and right there.
EXPECTED = {
    "delivery ended",
    "store down: events are refused, commands go on unprotected",
    "its listener has ended, but the database has not taken that yet",
}


class AnyPlay(abc.ABC):
    """What happens, by a seed, and what was left at its end: what all plays have."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._chance = self.chance_of("play")
        self.lines: list[MutableMapping[str, Any]] = []
        self.complaints: list[object] = []  # of the event loop
        self.rows: dict[str, Row[Any]] = {}
        self.left: list[object] = []  # what went on behind the end

    def chance_of(self, name: str) -> random.Random:
        """Returns the chance of one thing that happens: what it brings does not depend on that of another."""
        return random.Random(f"{self._seed} {name}")

    @abc.abstractmethod
    async def act(self) -> None:
        """Plays it."""


class InOrder(dict[Any, None]):
    """Stands for a set, and keeps the order in which things came: that of a set differs from process to process."""

    def add(self, one: Any) -> None:
        """Adds one."""
        self[one] = None

    def discard(self, one: Any) -> None:
        """Removes one, if it is there."""
        self.pop(one, None)


OnePlay = TypeVar("OnePlay", bound=AnyPlay)


def seeds(of_every_day: int) -> Sequence[int]:
    """Returns the seeds to play."""
    first, behind = map(int, os.environ.get("SEEDS", f"0-{of_every_day}").split("-"))
    return range(first, behind)


def played(play: OnePlay) -> OnePlay:
    """Plays one, and returns it."""
    random.seed(0)  # of the jitter of backoffs
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: play.complaints.append(context))
        runner.run(play.act())
    return play


def nothing_is_complained_of(play: AnyPlay) -> Iterator[object]:
    """No error is logged, but those of the database and of runs."""
    yield from play.complaints
    yield from (line for line in play.lines if line["log_level"] == "error" and line["event"] not in EXPECTED)


def broken(play: OnePlay, promises: Sequence[Callable[[OnePlay], Iterator[object]]]) -> list[str]:
    """Returns what breaks the promises, each with the name of its promise."""
    return [f"{promise.__name__}: {found}" for promise in promises for found in promise(play)]
