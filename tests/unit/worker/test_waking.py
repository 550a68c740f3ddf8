"""Lanes that wait for a limit are woken by processes that can take them: others would only park them again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.sqlite import SqliteDatabase
from anchorbolt.limits import Limit
from anchorbolt.worker.listener_limits import ListenerLimits, waits_for
from anchorbolt.worker.slots import CLAIM_PAUSE_SECONDS, RunSlots

from tests.unit.worker.conftest import Clock

CLOCK = Clock()


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """An inbox that was reached a while ago."""
    inbox = Inbox(SqliteDatabase(None), lease_seconds=9, clock=CLOCK)
    await inbox.open()
    CLOCK.now += CLAIM_PAUSE_SECONDS
    yield inbox
    await inbox.close()


def room(slots: RunSlots) -> int | None:
    """How many lanes of a listener with a limit of twenty, none of which runs here, a process wakes."""
    limits = ListenerLimits({"slow": Limit(concurrency=20)}, 40, CLOCK, slots.most_to_wake)
    return limits.room(waits_for("slow"))


async def test_a_process_wakes_as_many_as_it_can_take(inbox: Inbox) -> None:
    """As many as the limit and its free slots allow; with no free slot one, which waits in the order of claims."""
    slots = RunSlots(inbox, 40, clock=CLOCK)
    assert room(slots) == 20
    slots.reserve(35)
    assert room(slots) == 5
    slots.reserve(5)
    assert room(slots) == 1


async def test_a_process_that_takes_nothing_wakes_nothing(inbox: Inbox) -> None:
    """One that only stores, and one that drains, have room for no lane, though nothing of the listener runs there."""
    assert room(RunSlots(inbox, 40, takes=False, clock=CLOCK)) == 0
    draining = RunSlots(inbox, 40, clock=CLOCK)
    draining.shut()
    assert room(draining) == 0
