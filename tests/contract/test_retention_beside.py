"""Retention beside others: what somebody holds at this moment is left for the next time, and nobody waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from anchorbolt.inbox.inbox import Inbox
from anchorbolt.inbox.lease import End
from anchorbolt.inbox.postgresql import PostgresqlDatabase
from anchorbolt.inbox.retention import Retention
from sqlalchemy.engine import make_url

from tests.contract.steps import end, hold
from tests.support.postgresql import PostgreSQL


@pytest.fixture
def url(shared_postgres: PostgreSQL) -> str:
    """A database with the schema."""
    return shared_postgres.new_inbox()


@pytest.fixture
async def inbox(url: str) -> AsyncIterator[Inbox]:
    """An open inbox on it."""
    inbox = Inbox(PostgresqlDatabase(make_url(url)), lease_seconds=30, clock=time.monotonic)
    await inbox.open()
    yield inbox
    await inbox.close()


async def test_retention_waits_for_nobody(inbox: Inbox, url: str) -> None:
    """An operator may replay a dead letter at the moment in which it becomes too old, and another pod may delete: the
    other rows of the batch go at once, and that one goes the next time."""
    for key in ("A1:Ev1", "A1:Ev2"):
        await end(inbox, await hold(inbox, key, key), End.DEAD)
    operator = await asyncpg.connect(url.replace("+asyncpg", ""))
    replays = operator.transaction()
    await replays.start()
    await operator.execute("UPDATE delivery SET error = error WHERE key = 'A1:Ev1'")
    assert await asyncio.wait_for(inbox.store.transact(Retention(-60, -60)), 30) == 1
    await replays.rollback()
    await operator.close()
    assert await inbox.store.transact(Retention(-60, -60)) == 1
