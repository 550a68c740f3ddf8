"""Runs beyond the slots: what was taken without one, and what goes on after its slot was lent to others."""

from __future__ import annotations

import asyncio

import pytest
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.worker.slots import MOST_LENT, RunSlots


@pytest.mark.parametrize("is_behind", [False, True])
async def test_a_run_beyond_the_slots_hands_none_on(inbox: Inbox, *, is_behind: bool) -> None:
    """As long as more runs than there are slots, one that ends gives its slot to nobody, also while lanes wait."""
    run_slots = RunSlots(inbox, 1)
    assert await run_slots.reserve_for_arrival()
    arrival = asyncio.create_task(run_slots.reserve_for_arrival())
    await asyncio.sleep(0)
    if is_behind:
        run_slots.somebody_waits()
    run_slots.exceed()
    run_slots.give_back()
    assert (arrival.done(), run_slots.free) == (False, 0)
    run_slots.shut()
    assert not await arrival


async def test_a_lent_slot_is_for_others_until_it_is_taken_back(inbox: Inbox) -> None:
    """While a run waits, another has its slot; when it goes on, nobody has one until both have ended."""
    run_slots = RunSlots(inbox, 1)
    assert run_slots.reserve(1) == 1
    assert run_slots.lend()
    assert run_slots.reserve(1) == 1
    run_slots.take_back()
    assert (run_slots.free, run_slots.lent) == (-1, 0)
    run_slots.give_back()
    assert run_slots.reserve(1) == 0
    run_slots.give_back()
    assert run_slots.reserve(1) == 1


async def test_so_many_slots_are_lent_at_most(inbox: Inbox) -> None:
    """Each run that waits keeps a lane, a lease and memory: one more keeps its slot until another has its own again."""
    run_slots = RunSlots(inbox, 2)
    for _ in range(2 * MOST_LENT):
        assert run_slots.reserve(1) == 1
        assert run_slots.lend()
    assert run_slots.reserve(1) == 1
    assert not run_slots.lend()
    assert run_slots.free == 1
    run_slots.take_back()
    assert run_slots.lend()
