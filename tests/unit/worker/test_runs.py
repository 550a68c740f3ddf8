"""A run that is to end makes no more calls, and the one under way has a moment to end."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Kind
from anchorbolt.telemetry import metrics
from anchorbolt.worker.runs import Cut, Running, count_repeats

from tests.unit.worker.conftest import event
from tests.unit.worker.steps import LATER, for_ever


def calling() -> tuple[Running, Run]:
    """A run that has made two calls, of which one is under way."""
    run = Run(event(), Attempt("A1:Ev1", Kind.EVENT))
    run.calls.made = run.calls.under_way = 2
    run.calls.under_way -= 1
    return Running("A1:Ev1", run=run), run


async def test_a_run_that_ends_by_itself_was_not_cut() -> None:
    """Its last call was under way when it was to end, and it has made no other."""
    one, run = calling()
    one.end(Cut.DRAINED)
    assert run.calls.closed
    assert one.was_cut() is None
    assert not run.calls.cut


async def test_a_run_that_was_refused_a_call_was_cut() -> None:
    """Another run makes its calls again, which is counted once. The first reason counts."""
    one, run = calling()
    one.end(Cut.DRAINED)
    one.end(Cut.CANCELLED)
    with pytest.raises(asyncio.CancelledError):
        run.calls.refuse_if_closed("chat.postMessage")
    before = metrics.web_api_repeats.value("drained")
    assert [one.was_cut() for _ in range(2)] == [Cut.DRAINED] * 2
    assert run.calls.cut, "nothing of what is under way is sent any more"
    assert metrics.web_api_repeats.value("drained") == before + 2


async def test_a_run_that_was_refused_a_call_without_being_ended_was_not_cut() -> None:
    """Its calls may be closed for another reason: its time is over, which is an attempt."""
    one, run = calling()
    run.calls.close()
    with pytest.raises(asyncio.CancelledError):
        run.calls.refuse_if_closed("chat.postMessage")
    assert one.was_cut() is None


async def test_what_has_not_begun_is_cut_at_once() -> None:
    """There is no call to wait for; and once it was cut, why does not change."""
    one = Running("A1:Ev1")
    one.end(Cut.DRAINED)
    assert one.was_cut() is Cut.DRAINED
    one.stop(Cut.LOST)
    one.end(Cut.CANCELLED)
    assert (one.cut, one.ending) == (Cut.DRAINED, Cut.DRAINED)


async def test_a_run_without_a_task_of_its_own_is_cancelled() -> None:
    """As one that has begun and whose answer is not there yet."""
    one, run = calling()
    ended = list[str]()
    run.spawn(for_ever(ended))
    await asyncio.sleep(0)
    before = metrics.web_api_repeats.value("lost")
    one.stop(Cut.LOST)
    await run.wait()
    assert (ended, one.cut) == (["cancelled"], Cut.LOST)
    assert metrics.web_api_repeats.value("lost") == before + 2


async def test_a_run_that_ends_in_the_moment_when_it_is_stopped_is_cancelled_before_that() -> None:
    """What follows, as writing its end, is not cut short by a cancellation that comes late."""
    go, noted = asyncio.Event(), list[str]()

    async def work() -> None:
        try:
            await go.wait()
        except asyncio.CancelledError:
            noted.append("cancelled")
        await asyncio.sleep(0)
        noted.append("its end is written")

    one = Running("A1:Ev1", task=asyncio.create_task(work()))
    await asyncio.sleep(0)
    go.set()
    one.stop(Cut.CANCELLED)
    assert one.task is not None
    await asyncio.wait([one.task])
    assert noted == ["cancelled", "its end is written"]


async def test_a_run_whose_task_has_not_begun_is_stopped_all_the_same() -> None:
    """Its listeners are cancelled, and its task still writes the end: it finds why when it begins."""
    one, run = calling()
    ended, found = list[str](), list[Cut | None]()
    run.spawn(for_ever(ended))
    await asyncio.sleep(0)

    async def work() -> None:
        found.append(one.cut)
        await run.wait()

    one.task = asyncio.create_task(work())
    one.stop(Cut.DRAINED)
    await one.task
    assert (ended, found) == (["cancelled"], [Cut.DRAINED])


async def test_the_calls_of_a_run_that_had_ended_are_not_made_again() -> None:
    """It was stopped while its end was on the way to the inbox; where that turns out to be refused, they are."""
    one, run = calling()
    one.writes_end = True
    before = {why: metrics.web_api_repeats.value(why) for why in ("drained", "lost")}
    one.stop(Cut.DRAINED)
    assert metrics.web_api_repeats.value("drained") == before["drained"]
    for _ in range(2):
        count_repeats(run, Cut.LOST)
    assert metrics.web_api_repeats.value("lost") == before["lost"] + 2


async def test_the_calls_of_an_interaction_that_had_ended_are_not_made_again() -> None:
    """It waits to be stored; one whose listener goes on is cut short."""
    before = metrics.web_api_repeats.value("drained")
    for goes_on in (False, True):
        one, run = calling()
        run.ack_by = LATER
        if goes_on:
            run.spawn(for_ever())
        one.stop(Cut.DRAINED)
        await run.wait()
        assert metrics.web_api_repeats.value("drained") == before + 2 * goes_on
