"""What a process knows of breakers holds until it is written, and a probe that was cut short is taken again."""

from __future__ import annotations

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.breakers import Breakers, waits_for
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End
from anchorbolt.inbox.parking import PARK_SECONDS
from anchorbolt.worker import breaking
from anchorbolt.worker.breaking import LEAST_FAILURES, Breaking
from anchorbolt.worker.verdict import DONE, Verdict
from structlog.testing import capture_logs

from tests.support.waiting import until, until_answer
from tests.unit.worker.conftest import FAILED, Bench, stored


async def test_a_look_before_it_is_written_closes_nothing(inbox: Inbox) -> None:
    """Who reads the table between the last failure and the write finds no row, and holds deliveries all the same."""
    mine = Breaking(inbox)
    for number in range(LEAST_FAILURES):
        mine.ended("app.on", stored(number), FAILED)
    assert mine.holds(stored(9), "app.on") is not None
    await mine.refresh()
    assert mine.holds(stored(9), "app.on") is not None
    verdict = mine.ended("app.on", stored(9), FAILED)
    assert verdict is not None
    assert verdict.end is End.HELD


async def test_a_probe_whose_lane_was_lost_lets_nobody_through(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a process has the probe its listener is free; that ends with the probe, also where its end is not ours."""
    monkeypatch.setattr(breaking, "FIRST_PROBE_SECONDS", 0.0)
    mine = Breaking(inbox)
    for number in range(LEAST_FAILURES):
        mine.ended("app.on", stored(number), FAILED)

    async def taken() -> bool:
        return await mine.take_probe(stored(1), "app.on")

    assert await until_answer(taken, what="the breaker is written, and the probe taken")
    assert mine.holds(stored(2), "app.on") is None
    assert mine.ended("app.on", stored(1), None) is None
    assert mine.holds(stored(2), "app.on") is not None


async def opened(bench: Bench, mine: Breaking, listener: str = "app.on") -> None:
    """Opens the breaker of a listener, in this process and in the table."""
    for number in range(LEAST_FAILURES):
        mine.ended(listener, stored(number), FAILED)
    await until_answer(lambda: written(bench, listener), what="the breaker is written")


async def written(bench: Bench, listener: str) -> bool:
    """Whether the table has the breaker of a listener."""
    found = await bench.inbox.store.transact(Breakers(bench.database.dialect).read)
    return listener in {one.listener for one in found}


async def closed(bench: Bench, listener: str = "app.on") -> bool:
    """Whether the table has it no more."""
    return not await written(bench, listener)


async def test_a_breaker_is_that_of_all_processes(bench: Bench) -> None:
    """Another one learns that it is open, and why; whichever has a success closes it for all of them."""
    mine, other = Breaking(bench.inbox, bench.clock), Breaking(bench.inbox, bench.clock)
    await opened(bench, mine)
    with capture_logs() as lines:
        await other.refresh()
    assert other.holds(stored(9), "app.on") == waits_for("app.on")
    assert [(line["listener"], line["because"]) for line in lines] == [("app.on", FAILED.error)]
    bench.clock.now += breaking.FIRST_PROBE_SECONDS
    assert await other.take_probe(stored(9), "app.on")
    assert not await mine.take_probe(stored(8), "app.on"), "the other one has the probe"
    other.ended("app.on", stored(9), DONE)
    await until_answer(lambda: closed(bench), what="it is closed")
    await mine.refresh()
    assert (mine.open, other.open) == (0, 0)
    assert mine.holds(stored(8), "app.on") is None


async def test_what_fails_behind_an_open_breaker_waits_and_is_no_attempt(bench: Bench) -> None:
    """It says why; and who opens the breaker says so in the log, once it is written."""
    mine = Breaking(bench.inbox, bench.clock)
    with capture_logs() as lines:
        for number in range(LEAST_FAILURES - 1):
            assert mine.ended("app.on", stored(number), FAILED) is FAILED
        verdict = mine.ended("app.on", stored(9), FAILED)
        await until(lambda: lines, what="it is said")
    assert verdict == Verdict(
        End.HELD,
        f"waits until what it needs is back: {FAILED.error}",
        PARK_SECONDS,
        FAILED.reason,
        waits_for("app.on"),
    )
    (line,) = lines
    assert (line["log_level"], line["listener"], line["because"]) == ("error", "app.on", FAILED.error)
    assert mine.holds(stored(8), None) == waits_for("app.on"), "its listener is known from an attempt before"
    assert mine.ended("app.other", stored(8), FAILED) is FAILED


async def test_after_an_outage_the_count_begins_again(bench: Bench) -> None:
    """One more failure is no second outage."""
    changes = list[str]()
    bench.inbox.on_hold = lambda: changes.append("a breaker was opened or closed")
    mine = Breaking(bench.inbox, bench.clock)
    await opened(bench, mine)
    await until(lambda: changes, what="it is open")
    mine.ended("app.on", stored(1), DONE)
    await until(lambda: len(changes) == 2, what="it is closed")
    assert mine.ended("app.on", stored(2), FAILED) is FAILED
    assert mine.open == 0


async def test_a_breaker_that_could_not_be_written_is_open_nowhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away: other processes know nothing of it, and nobody would close it here."""

    async def away(_: object) -> None:
        raise StoreUnavailableError("the database did not answer")

    monkeypatch.setattr(bench.database, "transact", away)
    mine = Breaking(bench.inbox, bench.clock)
    for number in range(LEAST_FAILURES):
        mine.ended("app.on", stored(number), FAILED)
    assert mine.open == 1
    await until(lambda: mine.open == 0, what="it is forgotten")


async def test_the_next_outage_is_probed_as_soon_as_the_first(bench: Bench) -> None:
    """While one goes on, each probe waits twice as long for the next; that is forgotten when the breaker closes."""
    changes = list[str]()
    bench.inbox.on_hold = lambda: changes.append("a breaker was opened or closed")
    mine = Breaking(bench.inbox, bench.clock)
    for _ in range(2):
        changes.clear()
        await opened(bench, mine)
        await until(lambda: changes, what="it is open")
        waited = breaking.FIRST_PROBE_SECONDS
        for _ in range(3):
            bench.clock.now += waited - 0.5
            assert not await mine.take_probe(stored(1), "app.on")
            bench.clock.now += 0.5
            assert await mine.take_probe(stored(1), "app.on")
            waited *= 2
        mine.ended("app.on", stored(1), DONE)
        await until(lambda: len(changes) == 2, what="it is closed")


async def test_few_deliveries_are_enough_if_they_fail_again_and_again(bench: Bench) -> None:
    """So many that it is not the fault of one of them."""
    mine = Breaking(bench.inbox, bench.clock)
    for n in range(LEAST_FAILURES - 1):
        mine.ended("app.on", stored(n % breaking.LEAST_DELIVERIES), FAILED)
    assert mine.open == 0
    mine.ended("app.on", stored(0), FAILED)
    assert mine.open == 1


async def test_what_opens_no_breaker(bench: Bench) -> None:
    """Failures of several listeners, of one delivery alone, too few among successes, or those of an hour ago."""
    mine = Breaking(bench.inbox, bench.clock)
    for number in range(LEAST_FAILURES - 1):
        mine.ended("app.one", stored(number), FAILED)
        mine.ended("app.two", stored(number), FAILED)
    for _ in range(2 * LEAST_FAILURES):
        mine.ended("app.on", stored(1), FAILED)
    for number in range(LEAST_FAILURES - 1):
        mine.ended("app.often", stored(number), FAILED)
        mine.ended("app.often", stored(number + 100), DONE)
    mine.ended("app.often", stored(99), FAILED)
    assert mine.open == 0, "five of nine are too few"
    bench.clock.now += breaking.WINDOW_SECONDS + 1
    mine.ended("app.one", stored(99), FAILED)
    assert mine.open == 0


async def test_no_probe_begins_while_the_database_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may have taken it."""
    mine = Breaking(bench.inbox, bench.clock)
    await opened(bench, mine)
    bench.clock.now += breaking.FIRST_PROBE_SECONDS

    async def away(_: object) -> None:
        raise StoreUnavailableError("the database did not answer")

    with monkeypatch.context() as patched:
        patched.setattr(bench.database, "transact", away)
        assert not await mine.take_probe(stored(1), "app.on")
    assert await mine.take_probe(stored(1), "app.on")
