"""Room: which of the lanes that wait for something are woken, and which stay parked because it goes on."""

from __future__ import annotations

import time

import pytest
from anchorbolt.bolt.run import Run
from anchorbolt.delivery import Attempt, Kind
from anchorbolt.inbox import holds, pauses
from anchorbolt.inbox.breakers import waits_for as waits_for_breaker
from anchorbolt.inbox.holds import MOST_DEATHS, Holds
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.pauses import Pauses
from anchorbolt.limits import Limit
from anchorbolt.worker import breaking
from anchorbolt.worker.admission import Admission
from anchorbolt.worker.breaking import LEAST_FAILURES, Breaking
from anchorbolt.worker.holding import Holding
from anchorbolt.worker.listener_limits import ListenerLimits
from anchorbolt.worker.obstacles import ALL, Obstacles, Reader
from anchorbolt.worker.pausing import Pausing

from tests.support.waiting import until
from tests.unit.worker.conftest import FAILED, Clock, event, stored


async def test_lanes_of_a_held_listener_stay_parked_until_it_is_released(inbox: Inbox) -> None:
    """No lane of it is woken while the hold goes on, all are once it is over, and those of others always were."""
    mine, other = Holding(inbox, "v1"), Holding(inbox, "v2")
    for _ in range(MOST_DEATHS):
        await mine.died("app.on", ValueError("x"))
    await other.refresh()
    assert mine.room(holds.waits_for("app.on")) == 0
    assert mine.room(holds.waits_for("app.other")) == ALL
    assert mine.holds(stored(1), None) == mine.holds(stored(1), "app.on") == holds.waits_for("app.on")
    assert mine.holds(stored(1), "app.other") is None
    assert other.room(holds.waits_for("app.on")) == ALL, "another version of the app may have mended it"
    release = Holds(inbox.database.dialect).release
    await inbox.store.transact(lambda connection: release(connection, "app.on"))
    await mine.refresh()
    assert mine.room(holds.waits_for("app.on")) == ALL
    assert mine.room(pauses.waits_for("listener", "app.on")) is None, "it says nothing of what is not its own"


async def test_lanes_of_what_is_paused_stay_parked_until_it_is_resumed(inbox: Inbox) -> None:
    """The same for a pause, of whatever scope."""
    mine, written = Pausing(inbox), Pauses(inbox.database.dialect)
    await inbox.store.transact(lambda connection: written.pause(connection, "workspace", "T1", "ann"))
    await mine.refresh()
    assert mine.room(pauses.waits_for("workspace", "T1")) == 0
    assert mine.room(pauses.waits_for("workspace", "T2")) == ALL
    assert mine.room(pauses.waits_for("listener", "T1")) == ALL
    await inbox.store.transact(lambda connection: written.resume(connection, "workspace", "T1"))
    await mine.refresh()
    assert mine.room(pauses.waits_for("workspace", "T1")) == ALL
    assert mine.room(holds.waits_for("T1")) is None, "it says nothing of what is not its own"


async def test_one_lane_of_an_open_breaker_is_woken_when_it_is_time_for_a_probe(inbox: Inbox) -> None:
    """Before that none is, so that what is down is left alone; of a listener whose breaker is closed, all are."""
    clock = Clock()
    mine = Breaking(inbox, clock=clock)
    for number in range(LEAST_FAILURES):
        mine.ended("app.on", stored(number), FAILED)
    assert mine.room(waits_for_breaker("app.on")) == 0
    assert mine.room(waits_for_breaker("app.other")) == ALL
    clock.now += breaking.FIRST_PROBE_SECONDS
    assert mine.room(waits_for_breaker("app.on")) == 1
    assert mine.room(holds.waits_for("app.on")) is None, "it says nothing of what is not its own"


async def test_lanes_that_wait_for_a_limit_are_looked_at_when_there_is_room(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a run of the listener that filled its limit ends, and when the rate of another lets its next run begin."""
    clock = Clock()
    limits = ListenerLimits({"one": Limit(concurrency=1), "slow": Limit(per_second=2.0)}, 40, clock)
    obstacles, noted = Obstacles(inbox, [limits]), list[tuple[str, float]]()
    monkeypatch.setattr(obstacles, "has_room", lambda waits, in_seconds=0.0: noted.append((waits, in_seconds)))
    admission = Admission(obstacles, limits, Breaking(inbox))
    runs = {listener: Run(event(), Attempt("k", Kind.EVENT)) for listener in ("one", "slow", "free")}
    for listener, run in runs.items():
        assert admission.ask(stored(1), run, listener) is None, "it begins at once"
    assert [waits for waits, _ in noted] == ["limit:slow"]
    assert 0 < noted.pop()[1] <= 0.5
    second = Run(event(), Attempt("k", Kind.EVENT))
    waits = admission.ask(stored(2), second, "one")
    assert waits is not None
    assert await waits
    assert second.waits_for == "limit:one"
    waits = admission.ask(stored(3), Run(event(), Attempt("k", Kind.EVENT)), "slow")
    assert waits is not None
    assert await waits
    assert [waits_for for waits_for, _ in noted] == ["limit:slow"], "its turn may come after all looks that are due"
    assert 0 < noted.pop()[1] <= 0.5
    for run in runs.values():
        admission.ended(run)
    assert noted == [("limit:one", 0.0)]
    assert admission.ask(stored(2), second, "one") is None


async def test_a_run_begins_at_once_where_what_held_it_is_over(inbox: Inbox) -> None:
    """What was known of a hold is looked up before it is believed; the run counts for the limits of its listener."""
    mine, released = Holding(inbox, "v1"), Holds(inbox.database.dialect).release
    for _ in range(MOST_DEATHS):
        await mine.died("app.on", ValueError("x"))
    await inbox.store.transact(lambda connection: released(connection, "app.on"))
    limits = ListenerLimits({"app.on": Limit(concurrency=1)}, 40, Clock())
    admission = Admission(Obstacles(inbox, [mine, limits], [mine]), limits, Breaking(inbox))
    run = Run(event(), Attempt("k", Kind.EVENT), began=time.monotonic())
    waits = admission.ask(stored(1), run, "app.on")
    assert waits is not None
    assert not await waits
    assert (run.waits_for, run.counted_for, limits.holds(stored(2), None)) == (None, "app.on", "limit:app.on")


async def test_a_success_without_a_death_before_it_writes_nothing(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly all runs are such, and each would be a transaction more."""
    mine = Holding(inbox, "v1")
    await mine.died("app.on", ValueError("x"))
    forgotten = list[str]()

    async def forgets(listener: str) -> None:
        forgotten.append(listener)

    monkeypatch.setattr(mine, "_forget", forgets)
    for listener in ("app.other", None, "app.on"):
        mine.succeeded(listener)
    await until(lambda: forgotten, what="the count begins again")
    assert forgotten == ["app.on"]


@pytest.mark.parametrize("obstacle", ["holds", "pauses", "breakers"])
async def test_a_look_that_finds_something_shows_no_database_that_is_well(inbox: Inbox, obstacle: str) -> None:
    """A database that is full, or a replica, reads as ever: only what writes ends an outage."""
    reads: dict[str, Reader] = {"holds": Holding(inbox, "v1"), "pauses": Pausing(inbox), "breakers": Breaking(inbox)}
    inbox.store.up = False
    await reads[obstacle].refresh()
    await Obstacles(inbox, []).look()
    assert not inbox.up
