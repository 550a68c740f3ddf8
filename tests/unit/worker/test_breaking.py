"""What a process knows of breakers holds until it is written, and a probe that was cut short is taken again."""

from __future__ import annotations

import pytest
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End
from anchorbolt.worker import breaking
from anchorbolt.worker.breaking import LEAST_FAILURES, Breaking

from tests.support.waiting import until_answer
from tests.unit.worker.conftest import FAILED, stored


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
