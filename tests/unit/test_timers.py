"""Timers that may ring a moment late, and never early."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import random

import pytest
from anchorbolt import timers
from anchorbolt.timers import APART_SECONDS, Timeout, call_later

from tests.support.leaping_loop import LeapingLoop


def called(*_: object) -> None:
    """Stands for what a timer calls."""


class TestTimer:
    """Rings once, or not at all."""

    async def test_it_rings_and_not_before_its_time(self) -> None:
        """What was asked for a moment from now comes then, or a little later."""
        loop = asyncio.get_running_loop()
        rang: asyncio.Future[float] = loop.create_future()
        due = loop.time() + 0.12
        call_later(0.12, lambda: rang.set_result(loop.time()))
        assert await asyncio.wait_for(rang, 10) >= due

    async def test_they_ring_in_their_order(self) -> None:
        """Whatever the order in which they were set."""
        rang: list[str] = []
        last = asyncio.Event()
        call_later(0.3, rang.append, "late")
        call_later(0.4, last.set)
        call_later(0.01, rang.append, "soon")
        call_later(-5, rang.append, "overdue")
        await asyncio.wait_for(last.wait(), 10)
        assert sorted(rang[:2]) == ["overdue", "soon"]
        assert rang[2:] == ["late"]

    async def test_one_that_is_cancelled_does_not_ring(self) -> None:
        """Not even where one that rings with it cancels it."""
        rang: list[int] = []
        pair: list[timers.Timer] = []

        def ring(number: int) -> None:
            rang.append(number)
            pair[1 - number].cancel()

        pair += [call_later(0.01, ring, number) for number in range(2)]
        over = asyncio.Event()
        call_later(0.2, over.set)
        call_later(0.1, rang.append, -1).cancel()
        await asyncio.wait_for(over.wait(), 10)
        assert rang in ([0], [1])

    async def test_one_that_is_moved_does_not_ring_before(self) -> None:
        """Not even where one that rings with it moves it."""
        loop = asyncio.get_running_loop()
        own = timers.Timers(loop)
        rang: asyncio.Future[float] = loop.create_future()
        at, later = loop.time() + 0.01, loop.time() + 0.2
        timers.Timer(own, at, lambda: own.waiting.update({moved: later}), ())
        moved = timers.Timer(own, at, lambda: rang.set_result(loop.time()), ())
        assert await asyncio.wait_for(rang, 10) >= later

    async def test_one_that_fails_does_not_keep_others_from_ringing(self) -> None:
        """The loop hears of it, as of any callback that fails."""
        loop = asyncio.get_running_loop()
        heard: list[type] = []
        loop.set_exception_handler(lambda _, context: heard.append(type(context["exception"])))
        over = asyncio.Event()
        call_later(0.01, lambda: 1 / 0)
        call_later(0.01, over.set)
        call_later(0.01, lambda: 1 / 0)
        await asyncio.wait_for(over.wait(), 10)
        await asyncio.sleep(0)
        assert heard == [ZeroDivisionError] * 2

    async def test_what_is_cancelled_leaves_nothing_behind(self) -> None:
        """Nearly all are, within milliseconds: what they would have called is free at once."""
        own = timers.Timers(asyncio.get_running_loop())
        many = [timers.Timer(own, own.loop.time() + seconds, called, ()) for seconds in range(1_000)]
        for one in many:
            one.cancel()
        assert not own.waiting
        assert not any(called in gc.get_referents(one) for one in many)

    def test_what_is_due_soon_is_not_late_for_what_is_due_later(self) -> None:
        """Each rings at its time or a moment later, whatever the order in which they are set and cancelled."""
        rang: dict[int, float] = {}

        async def ring() -> None:
            loop, chance = asyncio.get_running_loop(), random.Random(1)
            set_for: dict[int, tuple[float, timers.Timer]] = {}
            for number in range(300):
                at = loop.time() + chance.uniform(0, 100)
                set_for[number] = at, call_later(at - loop.time(), lambda n=number: rang.setdefault(n, loop.time()))
                await asyncio.sleep(chance.uniform(0, 1))
            for number in range(0, 300, 7):
                set_for.pop(number)[1].cancel()
            await asyncio.sleep(200)
            early = [number for number, at in rang.items() if number in set_for and at < set_for[number][0]]
            late = [number for number, at in rang.items() if number in set_for and at > set_for[number][0] + 0.1]
            assert (early, late, set_for.keys() - rang.keys()) == ([], [], set())

        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            runner.run(ring())

    def test_one_alone_rings_at_its_time(self) -> None:
        """Where nothing rang a moment before, it is late by what uvloop's rounding takes, and no more."""

        async def ring() -> float:
            loop = asyncio.get_running_loop()
            rang: asyncio.Future[float] = loop.create_future()
            due = loop.time() + 3
            timers.call_at(due, lambda: rang.set_result(loop.time()))
            return await rang - due

        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            assert 0 <= runner.run(ring()) < 2 * timers.ROUNDING_SECONDS

    def test_what_is_due_together_rings_together(self) -> None:
        """Where the first of them cancels the second, the third does not wait for another look."""

        async def ring() -> list[tuple[str, float]]:
            loop, over = asyncio.get_running_loop(), asyncio.Event()
            own, due, rang = timers.Timers(loop), loop.time() + 3, list[tuple[str, float]]()

            def first() -> None:
                rang.append(("first", loop.time()))
                second.cancel()

            def third() -> None:
                rang.append(("third", loop.time()))
                over.set()

            timers.Timer(own, due, first, ())
            second = timers.Timer(own, due, rang.append, (("second", 0.0),))
            timers.Timer(own, due, third, ())
            await over.wait()
            return rang

        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            (one, at), (other, then) = runner.run(ring())
        assert (one, other, at) == ("first", "third", then)

    def test_the_loop_is_woken_seldom(self) -> None:
        """However close together they are due, what waits is looked through every 50 ms at most."""

        async def ring() -> set[float]:
            loop = asyncio.get_running_loop()
            began, rang, over = loop.time(), set[float](), asyncio.Event()
            for number in range(1_000):
                timers.call_at(began + number / 1_000, lambda: rang.add(loop.time()))
            timers.call_at(began + 1.1, over.set)
            await over.wait()
            return rang

        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            looks = sorted(runner.run(ring()))
        apart = [later - sooner for sooner, later in itertools.pairwise(looks)]
        assert len(looks) > 10
        assert min(apart) >= APART_SECONDS

    def test_each_loop_has_its_own(self) -> None:
        """A loop that has ended keeps nothing from ringing in the next one."""

        async def ring() -> bool:
            call_later(3600, lambda: None)
            over = asyncio.Event()
            call_later(0, over.set)
            return await asyncio.wait_for(over.wait(), 10)

        assert asyncio.run(ring())
        assert asyncio.run(ring())


class TestTimeout:
    """As asyncio's own, for a plain `with`."""

    async def test_what_takes_too_long_is_cut_off(self) -> None:
        """By a TimeoutError, and the task is as if nobody had cancelled it."""
        with pytest.raises(TimeoutError), Timeout(after=0.01) as timeout:
            await asyncio.Event().wait()
        assert timeout.expired
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    async def test_what_is_in_time_is_left_alone(self) -> None:
        """The timer goes with the block."""
        with Timeout(after=0.01) as timeout:
            pass
        over = asyncio.Event()
        call_later(0.2, over.set)
        await over.wait()
        assert not timeout.expired

    async def test_a_block_that_swallows_its_cancellation(self) -> None:
        """Is known by `expired`."""
        with Timeout(after=0.01) as timeout, contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        assert timeout.expired

    async def test_somebody_elses_cancellation_stays_one(self) -> None:
        """Also where the time was over a moment before."""
        is_over = asyncio.Event()

        async def wait() -> None:
            with Timeout(after=0.01):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                is_over.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(wait())
        await is_over.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_one_that_is_moved_ends_at_its_new_time(self) -> None:
        """Also where that is sooner than all that anybody waits for."""
        loop = asyncio.get_running_loop()
        due = loop.time() + 0.2
        with contextlib.suppress(TimeoutError), Timeout(after=30) as timeout:
            timeout.move(due)
            await asyncio.Event().wait()
        assert timeout.expired
        assert due <= loop.time() < due + 10

    async def test_one_that_is_moved_away_does_not_end_at_its_old_time(self) -> None:
        """Its block may take as long as it was given since."""
        over = asyncio.Event()
        call_later(0.2, over.set)
        with Timeout(after=0.05) as timeout:
            timeout.move(asyncio.get_running_loop().time() + 30)
            await over.wait()
        assert not timeout.expired

    async def test_one_that_is_moved_behind_its_block_cancels_nothing(self) -> None:
        """What its task does by then is not its own."""
        with Timeout(after=30) as timeout:
            pass
        timeout.move(asyncio.get_running_loop().time() + 0.01)
        over = asyncio.Event()
        call_later(0.2, over.set)
        await over.wait()
        assert not timeout.expired

    def test_one_with_a_time_on_the_loops_clock(self) -> None:
        """The block is cut off at that time, and not before."""

        async def wait() -> float:
            loop = asyncio.get_running_loop()
            due = loop.time() + 3
            with pytest.raises(TimeoutError), Timeout(due):
                await asyncio.Event().wait()
            return loop.time() - due

        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            assert 0 <= runner.run(wait()) < APART_SECONDS

    def test_one_that_is_over_before_its_time(self) -> None:
        """Somebody may say so, twice too: the block is cut off once, and goes on with whatever it does then."""

        async def cut() -> None:
            with Timeout(after=30) as timeout:
                timeout.expire()
                timeout.expire()
                await asyncio.Event().wait()

        async def wait() -> None:
            loop = asyncio.get_running_loop()
            began = loop.time()
            with pytest.raises(TimeoutError):
                await cut()
            assert loop.time() < began + 1
            with Timeout(after=30) as timeout:
                timeout.expire()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                await asyncio.sleep(60)
            assert timeout.expired

        with asyncio.Runner(loop_factory=LeapingLoop) as runner:
            runner.run(wait())

    async def test_an_error_of_the_block_is_its_own(self) -> None:
        """Nothing stands in its place."""
        with pytest.raises(KeyError), Timeout(after=30):
            raise KeyError

    async def test_one_inside_of_another(self) -> None:
        """Only the one whose time is over raises."""
        with Timeout(after=30) as outer, pytest.raises(TimeoutError), Timeout(after=0.01):
            await asyncio.Event().wait()
        assert not outer.expired


def test_who_waits_for_an_event_for_so_long_at_most_learns_whether_it_is_set() -> None:
    """One that is never set ends the wait at its time; one that is set ends it at once."""

    async def wait() -> tuple[bool, bool, float]:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        began = loop.time()
        before = await timers.is_set_within(event, 3)
        event.set()
        return before, await timers.is_set_within(event, 3), loop.time() - began

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        before, after, took = runner.run(wait())
    assert (before, after) == (False, True)
    assert 3 <= took < 4
