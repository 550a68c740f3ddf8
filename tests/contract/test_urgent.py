"""Lanes of urgent events are claimed beside all others, in every database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End

from tests.contract.steps import accept, end, item, keys


async def test_a_claim_without_room_for_others_takes_the_urgent(inbox: Inbox) -> None:
    """However long others wait, and where no slot is free for them."""
    await accept(inbox, *(item(f"C{n}", take=False) for n in range(5)))
    await accept(inbox, item("!A1:Ev-stop", "A1:Ev-stop", take=False))
    claimed = await inbox.claim(0, 4)
    assert keys(claimed.held) == ["A1:Ev-stop"]
    assert claimed.more
    assert not claimed.paused
    assert (await end(inbox, claimed.held[0])).written
    assert not (await inbox.claim(0, 4)).held


async def test_the_urgent_are_first_in_a_claim_of_both(inbox: Inbox) -> None:
    """Each sort has its own bound, and the urgent begin before those that wait longer."""
    await accept(inbox, *(item(f"C{n}", f"A1:Ev-c{n}", take=False) for n in range(3)))
    await accept(inbox, *(item(f"!A1:Ev-s{n}", f"A1:Ev-s{n}", take=False) for n in range(3)))
    held = (await inbox.claim(2, 2)).held
    assert [key[:7] for key in keys(held)] == ["A1:Ev-s", "A1:Ev-s", "A1:Ev-c", "A1:Ev-c"]
    assert len((await inbox.claim(10, 10)).held) == 2


async def test_a_claim_without_room_for_the_urgent_leaves_them(inbox: Inbox) -> None:
    """They never take the slot of another lane: their bound is their own."""
    await accept(inbox, item("!A1:Ev-stop", "A1:Ev-stop", take=False), item("C1", "A1:Ev-c", take=False))
    assert keys((await inbox.claim(10, 0)).held) == ["A1:Ev-c"]
    assert keys((await inbox.claim(10, 1)).held) == ["A1:Ev-stop"]


async def test_an_urgent_event_is_taken_where_it_arrives(inbox: Inbox) -> None:
    """As any event: it is handed over in the process, and nobody claims it any more."""
    (accepted,) = await accept(inbox, item("!A1:Ev-stop", "A1:Ev-stop"))
    assert accepted.held is not None
    assert not (await inbox.claim(10, 10)).held


async def test_an_attempt_that_failed_is_claimed_again(inbox: Inbox) -> None:
    """After its backoff, as an urgent one."""
    (accepted,) = await accept(inbox, item("!A1:Ev-stop", "A1:Ev-stop"))
    assert accepted.held is not None
    assert (await end(inbox, accepted.held, End.RETRY)).freed
    assert [held.stored.attempts for held in (await inbox.claim(0, 1)).held] == [2]


async def test_nothing_urgent_is_claimed_while_the_inbox_is_paused(inbox: Inbox) -> None:
    """Paused means that nothing runs."""
    await accept(inbox, item("!A1:Ev-stop", "A1:Ev-stop", take=False))
    admin = Admin(inbox.database.dialect)
    await inbox.database.transact(lambda connection: admin.pause(connection, paused=True))
    claimed = await inbox.claim(0, 4)
    assert (claimed.held, claimed.paused) == ([], True)


async def test_urgent_lanes_wake_the_others(pods: Callable[..., Inbox]) -> None:
    """A process that has an urgent event for others is heard by them, as such."""
    one, two = pods(), pods()
    woken = asyncio.Event()
    two.on_urgent = woken.set
    await one.open()
    await two.open()
    await asyncio.wait_for(woken.wait(), 10)  # once connected, in case something was missed
    woken.clear()
    one.wake_others_urgently()
    await asyncio.wait_for(woken.wait(), 10)
