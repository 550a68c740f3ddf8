"""The inbox knows what it has stored, whatever became of it, and writes nothing to tell."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest
from anchorbolt.errors import StoreUnavailableError
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End

from tests.contract.steps import end, hold


async def test_what_was_stored_is_known(inbox: Inbox) -> None:
    """A delivery that runs, is done or is dead is known by its key, and no other is; many are asked for at once."""
    await hold(inbox, "C1", "A1:Ev-live")
    await end(inbox, await hold(inbox, "C2", "A1:Ev-done"))
    await end(inbox, await hold(inbox, "C3", "A1:Ev-dead"), End.DEAD)
    stored = {"A1:Ev-live", "A1:Ev-done", "A1:Ev-dead"}
    keys = [*stored, *(f"A1:Ev-{number}" for number in range(40)), *stored]
    assert await asyncio.gather(*map(inbox.knows, keys)) == [key in stored for key in keys]


async def test_a_database_that_is_away_knows_nothing(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database does not answer, nobody who asks is kept waiting or told of an error."""
    await hold(inbox, "C1", "A1:Ev-live")

    async def away(asked: Coroutine[object, object, object]) -> None:
        asked.close()
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(inbox.store, "ask", away)
        assert await inbox.knows("A1:Ev-live") is False
    assert await inbox.knows("A1:Ev-live") is True


async def test_what_can_be_told_at_once_is_the_same(inbox: Inbox) -> None:
    """A database that need not be waited for says the same of each key; another one says that it has to be asked."""
    await hold(inbox, "C1", "A1:Ev-live")
    await end(inbox, await hold(inbox, "C2", "A1:Ev-done"))
    for key in ("A1:Ev-live", "A1:Ev-done", "A1:Ev-none"):
        assert inbox.knows_at_once(key) in (None, await inbox.knows(key))
        assert (inbox.knows_at_once(key) is None) == inbox.database.shared


async def test_a_commit_that_is_under_way_keeps_nobody_waiting(inbox: Inbox) -> None:
    """What is not committed is not known yet, and to ask in the middle of a transaction breaks nothing."""
    storing = [asyncio.create_task(hold(inbox, f"C{number}", f"A1:Ev-{number}")) for number in range(20)]
    while not all(task.done() for task in storing):
        assert inbox.knows_at_once("A1:Ev-other") in (None, False)
        await asyncio.sleep(0)
    for number in range(20):
        assert inbox.knows_at_once(f"A1:Ev-{number}") in (None, True)
