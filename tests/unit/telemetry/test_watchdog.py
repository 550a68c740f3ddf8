"""A loop that stands still is reported once, with its stack and its run, and its seconds are counted."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from anchorbolt.telemetry import metrics, watchdog
from anchorbolt.telemetry.watchdog import Blamed, Watchdog
from structlog.testing import capture_logs

BLOCKED = "the event loop stands still"


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


class Watched:
    """A watchdog whose thread and whose loop move as the test says."""

    def __init__(self, blame: Any = lambda _: None) -> None:
        self.clock = Clock()
        self.dog = Watchdog(blame, self.clock)
        self.dog.watch(asyncio.get_running_loop(), threading.get_ident())

    def stand_still(self, seconds: float) -> None:
        """Nothing runs on the loop for so long; the thread looks as often as it does."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.now += watchdog.LOOK_SECONDS
            self.dog.look()


async def test_a_block_is_reported_once_with_its_stack_and_its_run() -> None:
    """However long a block lasts, one line shows where, in which run and listener, and one says that it is over."""
    watched = Watched(lambda task: Blamed("T1:E1", "on_mention") if task is asyncio.current_task() else None)
    with capture_logs() as lines:
        watched.stand_still(5)
        watched.dog.turn()
    stuck, over = lines
    assert (stuck["event"], stuck["key"], stuck["listener"]) == (BLOCKED, "T1:E1", "on_mention")
    assert "in stand_still" in stuck["stack"]
    assert len(stuck["stack"]) <= watchdog.MOST_CHARACTERS
    assert (over["event"], over["seconds"], over["reported"]) == ("the event loop goes on", 4.75, True)


async def test_the_next_block_is_reported_again() -> None:
    """Two blocks, two reports."""
    watched = Watched()
    with capture_logs() as lines:
        for _ in range(2):
            watched.stand_still(3)
            watched.dog.turn()
    assert [line["event"] for line in lines].count(BLOCKED) == 2


async def test_a_busy_loop_is_not_reported() -> None:
    """Below a second there is no line, and what is late by no more than 0.1 s is not counted either."""
    watched = Watched()
    before = metrics.loop_blocked.value()
    with capture_logs() as lines:
        watched.stand_still(1)
        watched.dog.turn()
        watched.clock.now += 0.3
        watched.dog.turn()
    assert not lines
    assert metrics.loop_blocked.value() - before == pytest.approx(0.75)


async def test_a_process_that_stood_still_blames_nothing() -> None:
    """After a SIGSTOP, or without CPU, what the loop does just then is not shown; how long it was, is said."""
    watched = Watched()
    with capture_logs() as lines:
        watched.clock.now += 60
        watched.dog.look()
        watched.dog.turn()
    assert [(line["event"], line["reported"]) for line in lines] == [("the event loop goes on", False)]


async def test_a_deep_stack_is_cut() -> None:
    """A listener that blocks in a recursion does not fill the log: the innermost frames are shown."""
    watched = Watched()

    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        else:
            watched.stand_still(2)

    with capture_logs() as lines:
        deep(100)
    assert "in look" in lines[0]["stack"]
    assert "in deep" in lines[0]["stack"]
    assert lines[0]["stack"].count("  File ") <= watchdog.MOST_FRAMES
