"""Whatever is waited for fails at its deadline, and one timer is enough for all of it."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.intake.patience import Patience

from tests.support.leaping_loop import LeapingLoop


def failed_at(*deadlines: float, done: frozenset[float] = frozenset()) -> list[float]:
    """When each of these failed, in seconds from the beginning; `done` are there before their deadlines."""
    failed: list[float] = []

    async def wait() -> None:
        loop, patience = asyncio.get_running_loop(), Patience()
        began = loop.time()

        async def one(deadline: float) -> None:
            future: asyncio.Future[None] = loop.create_future()
            patience.begin(future, began + deadline)
            if deadline in done:
                loop.call_later(deadline / 2, future.set_result, None)
            try:
                await future
            except TimeoutError:
                failed.append(round(loop.time() - began, 3))
            finally:
                patience.end(future)

        await asyncio.gather(*map(one, deadlines))

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(wait())
    return failed


@pytest.mark.parametrize("deadlines", [(1.0, 2.0, 3.0), (3.0, 1.0, 2.0), (2.0, 2.0)], ids=str)
def test_each_fails_at_its_own_deadline(deadlines: tuple[float, ...]) -> None:
    """Whatever the order in which they began: a request whose body was slow comes behind younger ones."""
    assert failed_at(*deadlines) == sorted(deadlines)


def test_what_is_there_in_time_does_not_fail() -> None:
    """And it keeps nothing that began later from failing at its deadline."""
    assert failed_at(1.0, 2.0, 4.0, done=frozenset({1.0, 4.0})) == [2.0]


def test_one_that_begins_after_the_timer_has_rung_is_looked_at_too() -> None:
    """The timer rings only while there is something to look at."""
    failed: list[float] = []

    async def wait() -> None:
        loop, patience = asyncio.get_running_loop(), Patience()
        for seconds in (1.0, 5.0, 2.0):
            future: asyncio.Future[None] = loop.create_future()
            began = loop.time()
            patience.begin(future, began + seconds)
            with pytest.raises(TimeoutError):
                await future
            patience.end(future)
            failed.append(round(loop.time() - began, 3))

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(wait())
    assert failed == [1.0, 5.0, 2.0]
