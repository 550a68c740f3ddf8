"""How many runs of a listener go on at once in a process, and how many begin a second."""

from __future__ import annotations

import pytest
from anchorbolt.inbox.holds import waits_for as waits_for_hold
from anchorbolt.limits import Limit
from anchorbolt.worker.listener_limits import BURST_SECONDS, ListenerLimits, waits_for
from anchorbolt.worker.obstacles import ALL

from tests.unit.worker.conftest import Clock, stored


@pytest.mark.parametrize("concurrency", [5, 40])
@pytest.mark.parametrize("others", [{}, {"app.other": Limit(concurrency=1)}])
def test_no_listener_takes_all_slots(concurrency: int, others: dict[str, Limit]) -> None:
    """A fifth of many is left to others; of few a listener may have all. What ends makes room for the next."""
    share = {5: 5, 40: 32}[concurrency]
    limits = ListenerLimits(others, concurrency, Clock())
    for _ in range(share):
        assert limits.holds(stored(1), "app.on") is None
        limits.begin("app.on")
    assert limits.holds(stored(1), "app.on") == waits_for("app.on")
    assert limits.holds(stored(1), "app.free") is None, "each listener is counted by itself"
    assert limits.room(waits_for("app.on")) == 0
    assert limits.end("app.on"), "others may have waited for that"
    assert limits.holds(stored(1), "app.on") is None
    assert limits.room(waits_for("app.on")) == 1
    assert not limits.end("app.on"), "there was room already"


def test_a_limit_of_its_own_counts_instead() -> None:
    """A listener that is known from an earlier attempt is asked for before its dispatch."""
    limits = ListenerLimits({"app.on": Limit(concurrency=2, seconds=7.0)}, 40, Clock())
    limits.begin("app.on")
    assert limits.room(waits_for("app.on")) == 1
    limits.begin("app.on")
    assert limits.holds(stored(1), None) == waits_for("app.on")
    assert (limits.seconds("app.on"), limits.seconds("app.other")) == (7.0, None)
    assert limits.room(waits_for_hold("app.on")) is None, "it says nothing of what is not its own"


def test_no_more_are_woken_than_this_process_takes() -> None:
    """Others, whose own limit is reached, would only park them again."""
    limits = ListenerLimits({}, 40, Clock(), most_to_wake=lambda: 3)
    assert limits.room(waits_for("app.on")) == 3
    assert ListenerLimits({}, 40, Clock()).room(waits_for("app.on")) == 32 < ALL


def test_runs_of_a_listener_with_a_rate_begin_apart() -> None:
    """One at once, the next when its time has come; what became due meanwhile may begin together, up to a burst."""
    clock = Clock()
    limits = ListenerLimits({"app.on": Limit(per_second=50.0)}, 40, clock)
    assert limits.next_in_seconds("app.on") is None
    assert limits.room(waits_for("app.on")) == 32
    limits.begin("app.on")
    assert limits.holds(stored(1), "app.on") == waits_for("app.on")
    assert limits.next_in_seconds("app.on") == pytest.approx(1 / 50)
    clock.now += 1 / 50 + 1e-9
    assert limits.room(waits_for("app.on")) == 1
    assert limits.next_in_seconds("app.on") == 0
    clock.now += 2 / 50
    assert limits.room(waits_for("app.on")) == 3
    clock.now += 60
    burst = int(BURST_SECONDS * 50) + 1
    assert limits.room(waits_for("app.on")) == burst
    for _ in range(burst):
        assert limits.holds(stored(1), "app.on") is None
        limits.begin("app.on")
    assert limits.holds(stored(1), "app.on") == waits_for("app.on")
