"""The steps of the protocol as tests take them: accept, hold, claim, end."""

from __future__ import annotations

import asyncio
import itertools
import time

from anchorbolt.inbox.accept import Accept, Accepted, Item
from anchorbolt.inbox.admin import Admin
from anchorbolt.inbox.complete import Complete, Completed
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Held, Outcome
from anchorbolt.inbox.owner import Owner

from tests.contract.conftest import LEASE_SECONDS

_numbers = itertools.count()


def item(lane: str = "C1", key: str | None = None, *, take: bool = True, running: bool = False) -> Item:
    """A delivery to store."""
    key = key or f"A1:Ev{next(_numbers)}"
    return Item(key, lane, "event", "application/json", f'{{"key":"{key}"}}', None, take, running)


async def accept(inbox: Inbox, *items: Item) -> list[Accepted]:
    """Accepts them together."""
    deadline = time.monotonic() + 10
    return await asyncio.gather(*(inbox.accept(one, deadline) for one in items))


def accept_of(inbox: Inbox) -> Accept:
    """What an inbox accepts by."""
    return inbox.database.accept(inbox.store, Owner(inbox.owner, LEASE_SECONDS))


def complete_of(inbox: Inbox) -> Complete:
    """What an inbox completes by."""
    return inbox.database.complete(inbox.store, Owner(inbox.owner, LEASE_SECONDS))


async def hold(inbox: Inbox, lane: str = "C1", key: str | None = None) -> Held:
    """Accepts a delivery and takes its lane."""
    (accepted,) = await accept(inbox, item(lane, key))
    assert accepted.held is not None
    return accepted.held


async def end(inbox: Inbox, held: Held, how: End = End.DONE, *, go_on: bool = False, delay: float = 0) -> Completed:
    """Completes a run."""
    error = None if how is End.DONE else "it failed"
    return await inbox.complete(Outcome(held.lease, held.stored.id, how, error, delay, go_on, held.stored.attempts))


async def claim(inbox: Inbox, most: int = 10) -> list[Held]:
    """Claims what waits."""
    return (await inbox.claim(most)).held


def keys(held: list[Held]) -> list[str]:
    """What is held, by key."""
    return [one.stored.key for one in held]


async def counts(inbox: Inbox) -> dict[str, int]:
    """How many deliveries of each state there are; what is cancelled only where something is."""
    found = await inbox.database.transact(Admin(inbox.database.dialect).counts)
    return {state: count for state, count in found.items() if count or state != "cancelled"}
