"""Deaths of a listener are counted over all processes, in one way in all databases."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from anchorbolt.inbox.accept import Item
from anchorbolt.inbox.holds import FORGET_SECONDS, Holds
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End, Outcome
from anchorbolt.inbox.parking import PARK_SECONDS, sentence
from anchorbolt.inbox.tables import delivery, hold
from sqlalchemy import select, update


async def ask(inbox: Inbox, work: Callable[[Holds, Any], Any]) -> Any:
    """Calls a method in a transaction."""
    holds = Holds(inbox.database.dialect)
    return await inbox.store.transact(lambda connection: work(holds, connection))


async def died(inbox: Inbox, fingerprint: str = "KeyError", version: str = "1", listener: str = "a.on") -> int:
    """Counts a death."""
    found = await ask(inbox, lambda holds, connection: holds.died(connection, listener, version, fingerprint))
    assert isinstance(found, int)
    return found


async def held(inbox: Inbox) -> list[tuple[str, str]]:
    """Which listeners are held, with their version."""
    found = await ask(inbox, lambda holds, connection: holds.read(connection))
    assert all(0 <= one.held_seconds < 30 for one in found if one.held_seconds is not None), "it was a moment ago"
    return [(one.listener, one.version) for one in found if one.held_seconds is not None]


async def test_three_in_a_row_of_the_same_error(inbox: Inbox) -> None:
    """The third death in a row of one error holds a listener; another error begins the count again."""
    assert [await died(inbox, name) for name in ("KeyError", "KeyError", "ValueError", "KeyError")] == [1, 2, 1, 1]
    assert await held(inbox) == []
    assert [await died(inbox) for _ in range(2)] == [2, 3]
    assert await held(inbox) == [("a.on", "1")]
    assert await died(inbox, "ValueError") == 1
    assert await held(inbox) == [("a.on", "1")], "a run that was going on does not end a hold"


async def test_it_is_held_since_its_third_death(inbox: Inbox) -> None:
    """And not since the last one: what was going on by then may die later."""
    for _ in range(3):
        await died(inbox)
    earlier = update(hold).values(held_at=hold.c.held_at - 600)
    await inbox.store.transact(lambda connection: connection.execute(earlier) and None)
    assert await died(inbox) == 4
    (found,) = await ask(inbox, lambda holds, connection: holds.read(connection))
    assert 600 <= found.held_seconds < 660


async def test_a_success_forgets_a_count_and_no_hold(inbox: Inbox) -> None:
    """A listener that is not held begins again after a success; one that is held stays held."""
    await died(inbox)
    await ask(inbox, lambda holds, connection: holds.succeeded(connection, "a.on", "1"))
    assert [await died(inbox) for _ in range(3)] == [1, 2, 3]
    await ask(inbox, lambda holds, connection: holds.succeeded(connection, "a.on", "1"))
    assert await held(inbox) == [("a.on", "1")]


async def test_a_success_forgets_no_count_of_others(inbox: Inbox) -> None:
    """Another listener, and the same one in another version of the app, may go on to die of their error."""
    for listener, version in (("a.on", "1"), ("b.on", "1"), ("a.on", "2")):
        await died(inbox, listener=listener, version=version)
    await ask(inbox, lambda holds, connection: holds.succeeded(connection, "a.on", "1"))
    found = await ask(inbox, lambda holds, connection: holds.read(connection))
    assert [(one.listener, one.version) for one in found] == [("a.on", "2"), ("b.on", "1")]


async def test_each_version_counts_for_itself(inbox: Inbox) -> None:
    """A version does not count the deaths of another one, and forgets it after a day."""
    for _ in range(3):
        await died(inbox, version="1")
    assert await died(inbox, version="2") == 1
    assert await held(inbox) == [("a.on", "1")]
    await inbox.store.transact(
        lambda connection: connection.execute(update(hold).values(updated_at=hold.c.updated_at - FORGET_SECONDS - 1))
    )
    await died(inbox, version="2")
    assert await held(inbox) == []


async def test_a_hold_lasts_until_somebody_ends_it(inbox: Inbox) -> None:
    """However long ago it began, another listener's death does not end it while its version is run."""
    for _ in range(3):
        await died(inbox)
    await died(inbox, version="2", listener="c.on")
    long_ago = update(hold).values(updated_at=hold.c.updated_at - FORGET_SECONDS - 1)
    await inbox.store.transact(lambda connection: connection.execute(long_ago) and None)
    assert await died(inbox, listener="b.on") == 1
    assert await held(inbox) == [("a.on", "1")]
    found = await ask(inbox, lambda holds, connection: holds.read(connection))
    assert [(one.listener, one.version) for one in found] == [("a.on", "1"), ("b.on", "1")]


async def test_a_process_reads_what_its_version_has_counted(inbox: Inbox) -> None:
    """What another version died of holds nothing in this one."""
    for version in ("1", "2"):
        await died(inbox, version=version, listener=f"{version}.on")
    found = await ask(inbox, lambda holds, connection: holds.read(connection, "2"))
    assert [(one.listener, one.version, one.fingerprint, one.deaths) for one in found] == [("2.on", "2", "KeyError", 1)]


async def test_a_lane_that_waits_is_claimed_after_a_release(inbox: Inbox) -> None:
    """What ends as held has no attempt and says why it waits; its lane is free only later, or after the release."""
    for listener in ("a.on", "b.on"):
        for _ in range(3):
            await died(inbox, listener=listener)
        accepted = await inbox.accept(
            Item(listener, listener, "event", "application/json", "{}", take=True), time.monotonic() + 30
        )
        assert accepted.held is not None
        lease, number = accepted.held.lease, accepted.held.stored.id
        waits_for = f"hold:{listener}"
        outcome = Outcome(lease, number, End.HELD, sentence(waits_for), PARK_SECONDS, attempt=1, waits_for=waits_for)
        await inbox.complete(outcome)
    assert (await inbox.claim(10)).held == []
    rows = await inbox.store.transact(
        lambda connection: connection.execute(select(delivery.c.attempts, delivery.c.error, delivery.c.state)).all()
    )
    assert [tuple(row) for row in rows] == [(0, sentence(f"hold:{name}.on"), "live") for name in "ab"]

    assert await ask(inbox, lambda holds, connection: holds.release(connection, "a.on"))
    assert [one.stored.key for one in (await inbox.claim(10)).held] == ["a.on"]
    assert not await ask(inbox, lambda holds, connection: holds.release(connection, "a.on"))
    assert await held(inbox) == [("b.on", "1")]
