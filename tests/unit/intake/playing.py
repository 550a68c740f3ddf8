"""How a play is played, of whatever sort: by a seed, on a loop whose time leaps, so that it takes its course again.

`SEEDS=1000-2000` plays others than those of every day.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, Protocol, TypeVar

from tests.support.leaping_loop import LeapingLoop

MOST_SECONDS = 600  # of the loop's time: whatever waits longer waits for ever


class Acted(Protocol):
    """A play. `lines`: of the log. `complaints`: of the event loop."""

    lines: list[MutableMapping[str, Any]]
    complaints: list[object]

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


AnyPlay = TypeVar("AnyPlay", bound=Acted)


def seeds(of_every_day: int) -> Sequence[int]:
    """Returns the seeds to play."""
    first, behind = map(int, os.environ.get("SEEDS", f"0-{of_every_day}").split("-"))
    return range(first, behind)


def played(play: AnyPlay) -> AnyPlay:
    """Plays one, and returns it."""
    random.seed(0)  # of the jitter of backoffs
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(play.act())
    return play


def nothing_is_complained_of(play: Acted, *, expected: set[str]) -> Iterator[object]:
    """No error is logged, but those that are expected."""
    yield from play.complaints
    yield from (line for line in play.lines if line["log_level"] == "error" and line["event"] not in expected)


def broken(play: AnyPlay, promises: Sequence[Callable[[AnyPlay], Iterator[object]]]) -> list[str]:
    """Returns what breaks the promises, each with the name of its promise."""
    return [f"{promise.__name__}: {found}" for promise in promises for found in promise(play)]
